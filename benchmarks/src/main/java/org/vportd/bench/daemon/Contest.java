package org.vportd.bench.daemon;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Contenders that take turns, so that whatever else the machine does meets all of them. */
final class Contest {
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
                all.get(i).add(turn(contenders.get(i), options));
            }
        }
        return all;
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
