package org.vportd.chardev;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Types of chardev that QEMU has and that make no sense here, with the reason. */
final class UnavailableTypes {
    private static final Map<String, String> REASONS = Map.of(
            "msmouse",
                    "it makes a serial mouse of the pointer in a graphical console, which this program does not have",
            "wctablet",
                    "it makes a serial tablet of the pointer in a graphical console, which this program does not have",
            "braille", "it drives a Braille terminal through BrlAPI, whose key events need a graphical console",
            "spicevmc", "it is a channel of a Spice server, which this program does not have",
            "spiceport", "it is a channel of a Spice server, which this program does not have",
            "qemu-vdagent", "it shares clipboard and pointer of a graphical console, which this program does not have",
            "dbus", "it belongs to the D-Bus display of a graphical console, which this program does not have");

    private UnavailableTypes() {}

    /** The whole line to refuse such a type with, or null for any other name. */
    static @Nullable String refusal(String type) {
        String reason = REASONS.get(type);
        return reason == null ? null : "chardev type '" + type + "' is not available: " + reason;
    }
}
