package org.vportd.serial;

import org.jspecify.annotations.Nullable;

/**
 * What a port is to be, in the words of {@code -device}.
 *
 * @param type {@code virtconsole} or {@code virtserialport}
 * @param deviceId the id under which users know the port, null if they do not
 * @param nr the port's number, or {@link #ANY_NR}
 * @param name what the guest finds it by, null if it has no name
 * @param bufferBytes how much output of a console is kept while its chardev is full; 0 keeps nothing
 */
public record PortOptions(
        Type type,
        @Nullable String deviceId,
        long nr,
        @Nullable String name,
        int bufferBytes) {
    /** The number that lets the device choose. */
    public static final long ANY_NR = 0xffff_ffffL;

    /** What {@code bufferBytes} is unless told otherwise. */
    public static final int DEFAULT_BUFFER_BYTES = 256 * 1024;

    /** The kinds of ports. */
    public enum Type {
        /** A console: always open for the host, and never made to wait, because a kernel would spin on it. */
        VIRTCONSOLE("virtconsole"),
        /** A channel for programs: open for the host while its chardev is, and made to wait while that is full. */
        VIRTSERIALPORT("virtserialport");

        private final String optionName;

        Type(String optionName) {
            this.optionName = optionName;
        }

        /** The word in {@code -device}. */
        public String optionName() {
            return optionName;
        }
    }

    /** A port of any number, without name. */
    public static PortOptions of(Type type) {
        return new PortOptions(type, null, ANY_NR, null, DEFAULT_BUFFER_BYTES);
    }

    /** The same with a number. */
    public PortOptions withNr(long number) {
        return new PortOptions(type, deviceId, number, name, bufferBytes);
    }

    /** The same with a name. */
    public PortOptions withName(String portName) {
        return new PortOptions(type, deviceId, nr, portName, bufferBytes);
    }
}
