package org.vportd.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.Main;

/**
 * Runs JMH with the JVM flags that the project needs, as the daemon has them, and with the profiler that tells what is
 * allocated unless another one is asked for.
 *
 * <p>JMH's forks are new JVMs, for which the manifest of the jar does nothing. The flags come from the build. Flags given
 * with {@code -jvmArgsAppend} come behind them, so {@code -XX:TieredStopAtLevel=1} there leaves the C2 compiler out.
 */
public final class BenchMain {
    private static final String PROFILER_OPTION = "-prof";

    private BenchMain() {}

    /**
     * Passes the arguments to JMH.
     *
     * @param args JMH's command line, {@code -h} lists it
     * @throws IOException when the build left the flags out, or JMH cannot write its results
     */
    public static void main(String[] args) throws IOException {
        List<String> all = new ArrayList<>();
        all.add("-jvmArgsPrepend");
        all.add(jvmFlags() + " " + flags("daemon.flags"));
        List<String> given = List.of(args);
        if (!given.contains(PROFILER_OPTION)) {
            all.add(PROFILER_OPTION);
            all.add("gc");
        }
        all.addAll(given);
        Main.main(all.toArray(new String[0]));
    }

    /**
     * The flags that everything needs which starts a JVM.
     *
     * @throws IOException when the build left them out
     */
    public static String jvmFlags() throws IOException {
        return flags("jvm.flags");
    }

    private static String flags(String resource) throws IOException {
        try (InputStream in = BenchMain.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IOException("missing from the jar: resource=" + resource);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
        }
    }
}
