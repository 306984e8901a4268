package org.vportd.monitor;

import java.util.Map;

/**
 * Which version clients are told.
 *
 * @param major of the QEMU whose protocol is spoken
 * @param minor of the same
 * @param micro of the same
 * @param programName what is really answering, with its own version
 */
public record VersionInfo(int major, int minor, int micro, String programName) {
    /** The version of QEMU whose protocol is spoken here, said of a program. */
    public static VersionInfo of(String programName) {
        return new VersionInfo(10, 0, 0, programName);
    }

    Map<String, Object> toJson() {
        return Members.of("qemu", Members.of("micro", micro, "minor", minor, "major", major), "package", programName);
    }
}
