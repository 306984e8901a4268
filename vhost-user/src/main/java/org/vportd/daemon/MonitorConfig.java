package org.vportd.daemon;

import java.util.Set;
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
 */
record MonitorConfig(String source, String chardev, Mode mode, boolean pretty) {
    private static final Set<String> KEYS = Set.of("chardev", "mode", "pretty", "id");

    /** What is spoken. */
    enum Mode {
        /** QMP. */
        CONTROL,
        /** Commands that people type. */
        READLINE
    }

    /** Packs it for a process that takes over. */
    Parcel pack() {
        return new Parcel()
                .put("source", source)
                .put("chardev", chardev)
                .put("control", mode == Mode.CONTROL)
                .put("pretty", pretty);
    }

    /** What {@link #pack} has packed. */
    static MonitorConfig unpack(Parcel from) {
        return new MonitorConfig(
                String.valueOf(from.text("source")),
                String.valueOf(from.text("chardev")),
                from.flag("control") ? Mode.CONTROL : Mode.READLINE,
                from.flag("pretty"));
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
