package org.vportd.monitor;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Commands that people type, by name; a hyphen in a name may be typed as an underscore and the other way round. */
final class HumanCommandTable {
    private final Map<String, HumanCommand> byName = new TreeMap<>();
    private final Map<String, HumanCommand> bySpelling = new TreeMap<>();

    void add(HumanCommand command) {
        byName.put(command.name(), command);
        bySpelling.put(spelling(command.name()), command);
        command.aliases().forEach(alias -> bySpelling.put(spelling(alias), command));
    }

    private static String spelling(String name) {
        return name.replace('-', '_');
    }

    @Nullable
    HumanCommand find(String name) {
        return bySpelling.get(spelling(name));
    }

    /** All of them, sorted. */
    List<HumanCommand> all() {
        return List.copyOf(byName.values());
    }

    /** All names, in the spelling that is shown. */
    List<String> names() {
        List<String> names = new ArrayList<>(byName.keySet());
        byName.values().forEach(command -> names.addAll(command.aliases()));
        return names;
    }
}
