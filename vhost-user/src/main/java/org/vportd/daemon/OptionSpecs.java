package org.vportd.daemon;

import java.util.List;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Options of the daemon's command line, which have one dash or two, as with QEMU. They are made by code: reading them
 * from annotations would take a sixth of the time until the daemon listens, see docs/performance.md.
 */
final class OptionSpecs {
    private OptionSpecs() {}

    /** One that has a text as its value. */
    static OptionSpec text(String name, String label, String description) {
        return named(name, description).paramLabel(label).type(String.class).build();
    }

    /** One that has a number as its value. */
    static OptionSpec number(String name, String label, String description) {
        return named(name, description).paramLabel(label).type(Integer.class).build();
    }

    /** One that may be given any number of times; its value is the list of texts. */
    static OptionSpec texts(String name, String label, String description) {
        return named(name, description)
                .paramLabel(label)
                .type(List.class)
                .auxiliaryTypes(String.class)
                .build();
    }

    /** One that is there or is not. */
    static OptionSpec flag(String name, String description) {
        return named(name, description).build();
    }

    /** One with a name of one dash or two, and also with the other. */
    static OptionSpec.Builder named(String name, String description) {
        String other = name.startsWith("--") ? name.substring(1) : "-" + name;
        return OptionSpec.builder(name, other).description(description);
    }
}
