package org.vportd.bench.daemon;

import java.io.IOException;
import org.vportd.bench.report.Outcome;

/** Something to be measured. */
sealed interface Scenario permits Throughput, Comparison, RoundTrip, StartUp, Idle {
    /** What it is called on the command line. */
    String name();

    /** Measures it; everything it has started has ended afterwards. */
    Outcome run(Bench bench) throws IOException;
}
