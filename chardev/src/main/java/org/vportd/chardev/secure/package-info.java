/**
 * Objects that the user makes beside chardevs, and chardevs refer to by id: certificates for TLS, lists of who may connect,
 * secrets. Types, keys and messages are those of QEMU's {@code -object}. Loop thread only, but for what checks a peer during
 * a handshake.
 */
@NullMarked
package org.vportd.chardev.secure;

import org.jspecify.annotations.NullMarked;
