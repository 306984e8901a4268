package org.vportd.daemon;

import org.vportd.chardev.Options;

/**
 * A character device to make.
 *
 * @param source the option that asks for it, as the user wrote it
 * @param options what it is to be
 */
record ChardevConfig(String source, Options options) {
    /** One that is written in full. */
    static ChardevConfig of(Options options) {
        return new ChardevConfig("-chardev " + options, options);
    }
}
