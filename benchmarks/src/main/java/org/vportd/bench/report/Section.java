package org.vportd.bench.report;

import java.util.List;

/** A table of the report. */
public enum Section {
    /** Blocks a second. */
    THROUGHPUT(
            "Throughput: the daemon (vportd) and plain loops on the same kind of descriptor, in turns",
            "scenario",
            "MB/s",
            "Mbuf/s",
            "plain MB/s",
            "ratio",
            "(min..max)",
            "x 1-call loop",
            "target",
            "busy vportd/driver/peer",
            "remarks"),
    /** What it took. */
    COST(
            "Cost: CPU time of the daemon's process, and events for 1000 buffers",
            "scenario",
            "CPU s/GB",
            "plain",
            "ratio",
            "Mbuf/CPU s",
            "target",
            "kicks",
            "calls",
            "reads+writes",
            "all system calls"),
    /** One block at a time. */
    ROUND_TRIP(
            "Round trip: kick, ring, socket, echoing peer, socket, ring, call; and the same without rings",
            "scenario",
            "p50 us",
            "p99 us",
            "p99.9 us",
            "x p50",
            "(min..max)",
            "target",
            "x p99",
            "(min..max)",
            "target",
            "x p99.9",
            "remarks"),
    /** The daemon with more of what should cost nothing. */
    SCALING(
            "Scaling: one daemon against another one, in turns",
            "scenario",
            "measure",
            "value",
            "compared with",
            "ratio",
            "(min..max)",
            "target"),
    /** The process itself. */
    PROCESS("Process", "scenario", "measure", "value", "compared with", "(min..max)", "target");

    private final String title;

    @SuppressWarnings("ImmutableEnumChecker") // List.of makes lists that cannot be changed
    private final List<String> headings;

    Section(String title, String... headings) {
        this.title = title;
        this.headings = List.of(headings);
    }

    /** The line above it. */
    public String title() {
        return title;
    }

    /** The names of its columns. */
    public List<String> headings() {
        return headings;
    }
}
