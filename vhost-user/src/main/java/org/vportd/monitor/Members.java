package org.vportd.monitor;

import java.util.LinkedHashMap;
import java.util.Map;

/** Makes objects whose members keep their order. */
final class Members {
    private Members() {}

    static Map<String, Object> of(String first, Object firstValue, String second, Object secondValue) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put(first, firstValue);
        members.put(second, secondValue);
        return members;
    }

    static Map<String, Object> of(
            String first, Object firstValue, String second, Object secondValue, String third, Object thirdValue) {
        Map<String, Object> members = of(first, firstValue, second, secondValue);
        members.put(third, thirdValue);
        return members;
    }
}
