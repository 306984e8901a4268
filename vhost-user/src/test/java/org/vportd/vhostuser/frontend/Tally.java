package org.vportd.vhostuser.frontend;

import java.util.Map;
import java.util.TreeMap;

/** What classes of a {@link CountingLoader} have done while it counted. One for all loaders; one thread. */
public final class Tally {
    private static final Map<String, Integer> COUNTS = new TreeMap<>();
    private static boolean counting;

    private Tally() {}

    /** Forgets what was counted. */
    public static void clear() {
        COUNTS.clear();
    }

    /** Counts from here on, or does not. */
    public static void count(boolean on) {
        counting = on;
    }

    /** Something is about to be done; the calls of this are put in by the loader. */
    public static void add(String what) {
        if (counting) {
            COUNTS.merge(what, 1, Integer::sum);
        }
    }

    /** Takes out how often something was done. */
    public static int take(String what) {
        Integer count = COUNTS.remove(what);
        return count == null ? 0 : count;
    }

    /** What was counted and not taken, such as {@code epoll_wait 2, writev 1}. */
    public static String rest() {
        StringBuilder text = new StringBuilder();
        COUNTS.forEach((what, count) ->
                text.append(text.isEmpty() ? "" : ", ").append(what).append(' ').append(count));
        return text.toString();
    }
}
