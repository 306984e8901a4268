package org.vportd.daemon;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** The program's version, from the manifest of its jar. */
final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
        @Nullable String version = Version.class.getPackage().getImplementationVersion();
        return new String[] {"vportd " + (version == null ? "(unpackaged)" : version)};
    }
}
