package org.vportd.monitor.line;

import java.util.Collection;
import java.util.List;

/**
 * What a word could become.
 *
 * @param start where the word begins in the line
 * @param candidates whole words, sorted; one that ends in {@code =} or {@code ,} is to be continued, after the others
 *     comes a space
 */
public record Completion(int start, List<String> candidates) {
    /** Nothing fits. */
    public static final Completion NONE = new Completion(0, List.of());

    /**
     * Takes the words that fit.
     *
     * @param text what is before the cursor
     * @param start where in it the word begins
     * @param words what there is to choose from
     */
    public static Completion of(String text, int start, Collection<String> words) {
        String begun = text.substring(start);
        return new Completion(
                start,
                words.stream()
                        .filter(word -> word.startsWith(begun))
                        .sorted()
                        .distinct()
                        .toList());
    }

    /** What all candidates begin with. */
    String commonStart() {
        String common = candidates.get(0);
        for (String candidate : candidates) {
            int n = 0;
            while (n < Math.min(common.length(), candidate.length()) && common.charAt(n) == candidate.charAt(n)) {
                n++;
            }
            common = common.substring(0, n);
        }
        return common;
    }
}
