package org.vportd.daemon;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** The program's version, from the manifest of its jar. */
final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
        return new String[] {program()};
    }

    /** The program and its version. */
    static String program() {
        @Nullable String version = Version.class.getPackage().getImplementationVersion();
        return "vportd " + (version == null ? "(unpackaged)" : version);
    }
}
