package org.vportd.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Collection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Each part's benchmark still does what it says with the parameters it has; how fast is not looked at. */
class PartsTest {
    @Test
    @Timeout(5 * 60)
    void shouldRunEachBenchmarkWithEachParameter() throws Exception {
        Options once = new OptionsBuilder()
                .forks(0) // what fails is reported here, and nothing is timed anyway
                .warmupIterations(0)
                .measurementIterations(1)
                .measurementTime(TimeValue.milliseconds(1))
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT)
                .build();
        Collection<RunResult> results = new Runner(once).run();
        assertFalse(results.isEmpty());
        for (RunResult result : results) {
            assertEquals(1, result.getAggregatedResult().getIterationResults().size());
        }
    }
}
