package org.vportd.bench.daemon;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Contenders that take turns, so that whatever else the machine does meets all of them. */
final class Contest {
    private static final double DISTURBED = 0.2;

    private Contest() {}

    /**
     * Runs it.
     *
     * @return for each contender what it did in each of its turns
     */
    static List<List<Measurement>> run(List<? extends Contender> contenders, BenchOptions options) throws IOException {
        List<List<Measurement>> all = new ArrayList<>();
        for (Contender contender : contenders) {
            all.add(new ArrayList<>());
            contender.go();
            Pause.ms(options.warmupMs());
            contender.halt();
        }
        for (int round = 0; round < options.rounds(); round++) {
            for (int i = 0; i < contenders.size(); i++) {
                all.get(i).add(calmest(contenders.get(i), options));
            }
        }
        return all;
    }

    /** A turn in which others left the machine to us, or the best of some. */
    private static Measurement calmest(Contender contender, BenchOptions options) throws IOException {
        Measurement best = turn(contender, options);
        for (int i = 0; i < options.repeats() && best.othersBusy() > DISTURBED; i++) {
            Measurement again = turn(contender, options);
            best = again.othersBusy() < best.othersBusy() ? again : best;
        }
        return best;
    }

    private static Measurement turn(Contender contender, BenchOptions options) throws IOException {
        contender.go();
        Pause.ms(options.settleMs());
        Measurement before = contender.state();
        Pause.ms(options.windowMs());
        Measurement after = contender.state();
        contender.halt();
        return after.since(before);
    }
}
