package org.vportd.daemon;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.handover.Parcel;

/**
 * A monitor.
 *
 * @param source the option that asks for it, as the user wrote it
 * @param chardev the id of the chardev it is used over
 * @param mode what is spoken there
 * @param pretty whether QMP is laid out for people
 * @param objectId its id if it is an object, or null
 * @param endsWithClient whether it goes, with its chardev, when its client leaves
 */
record MonitorConfig(
        String source,
        String chardev,
        Mode mode,
        boolean pretty,
        @Nullable String objectId,
        boolean endsWithClient) {
    /** Of the types of {@code -object} that are monitors. */
    private static final Map<String, Set<String>> OBJECT_KEYS = Map.of(
            "monitor-qmp",
            Set.of("qom-type", "id", "chardev", "pretty", "close-action"),
            "monitor-hmp",
            Set.of("qom-type", "id", "chardev", "readline"));

    private static final Set<String> KEYS = Set.of("chardev", "mode", "pretty", "id");

    /** What is spoken. */
    enum Mode {
        /** QMP. */
        CONTROL,
        /** Commands that people type. */
        READLINE
    }

    /** Makes one that is there from the start to the end. */
    MonitorConfig(String source, String chardev, Mode mode, boolean pretty) {
        this(source, chardev, mode, pretty, null, false);
    }

    /** The type of object that it is. */
    String typeName() {
        return mode == Mode.CONTROL ? "monitor-qmp" : "monitor-hmp";
    }

    /** Packs it for a process that takes over. */
    Parcel pack() {
        return new Parcel()
                .put("source", source)
                .put("chardev", chardev)
                .put("control", mode == Mode.CONTROL)
                .put("pretty", pretty)
                .put("object_id", objectId)
                .put("ends_with_client", endsWithClient);
    }

    /** What {@link #pack} has packed. */
    static MonitorConfig unpack(Parcel from) {
        return new MonitorConfig(
                String.valueOf(from.text("source")),
                String.valueOf(from.text("chardev")),
                from.flag("control") ? Mode.CONTROL : Mode.READLINE,
                from.flag("pretty"),
                from.text("object_id"),
                from.flag("ends_with_client"));
    }

    /** What the types of {@code -object} that are monitors accept. */
    static Map<String, Set<String>> objectKeys() {
        return OBJECT_KEYS;
    }

    /** Whether an {@code -object} is a monitor. */
    static boolean isObject(Options options) {
        return OBJECT_KEYS.containsKey(options.string("qom-type", ""));
    }

    /** Reads such an object. */
    static MonitorConfig ofObject(Options options) throws ConfigException {
        String type = options.string("qom-type", "");
        options.accept(OBJECT_KEYS.getOrDefault(type, Set.of()));
        for (String required : List.of("id", "chardev")) {
            if (options.string(required, "").isEmpty()) {
                throw new ConfigException("Parameter '" + required + "' is missing", type + ",id=ID,chardev=ID");
            }
        }
        String id = options.id(); // refuses one of a wrong form
        if (!options.bool("readline", true)) {
            throw new ConfigException("'readline' cannot be switched off", "lines are edited in any case");
        }
        Mode mode = type.equals("monitor-qmp") ? Mode.CONTROL : Mode.READLINE;
        String atEnd = options.string("close-action", "none");
        if (!atEnd.equals("none") && !atEnd.equals("delete")) {
            throw new ConfigException(
                    "Parameter 'close-action' does not accept value '" + atEnd + "'", "accepted: none, delete");
        }
        return new MonitorConfig(
                "-object " + options,
                options.string("chardev", ""),
                mode,
                options.bool("pretty", false),
                id,
                atEnd.equals("delete"));
    }

    /** Reads the options of {@code -mon}. */
    static MonitorConfig parse(Options options) throws ConfigException {
        options.accept(KEYS);
        String chardev = options.string("chardev", "");
        if (chardev.isEmpty()) {
            throw new ConfigException(
                    "Parameter 'chardev' is missing", "-mon [chardev=]ID[,mode=control|readline][,pretty=on|off]");
        }
        String name = options.string("mode", "readline");
        Mode mode = switch (name) {
            case "control" -> Mode.CONTROL;
            case "readline" -> Mode.READLINE;
            default -> throw new ConfigException("unknown monitor mode \"" + name + "\"", "control or readline");
        };
        boolean pretty = options.bool("pretty", false);
        if (pretty && mode == Mode.READLINE) {
            throw new ConfigException("'pretty' is not compatible with HMP monitors", "mode=control");
        }
        return new MonitorConfig("-mon " + options, chardev, mode, pretty);
    }
}
