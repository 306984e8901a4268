package org.vportd.daemon;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.secure.UserObjects;
import org.vportd.serial.PortOptions;

/** Answers {@code help} (or {@code ?}) in the place of a type, and after one. */
final class OptionHelp {
    private static final Pattern ASKED = Pattern.compile("(?:(?:[a-z-]+=)?([^,=]*),)?(?:help|\\?)");

    private static final List<String> PORTS = List.of(
            "  bus=BUS          the device it is on (virtio-serial0.0)",
            "  chardev=ID       the character device behind it; without one, output is dropped",
            "  id=ID            a name for it in monitors",
            "  name=NAME        the name the guest finds it by",
            "  nr=N             its number; chosen if not given, and 0 is kept for a console");
    private static final String BUFFER =
            "  buffer=SIZE      how much output waits while the character device is full (256k)";

    private static final List<String> CONTROLLER = List.of(
            "  emergency-write=on|off  a driver may put out characters before it has queues (on)",
            "  event_idx=on|off        (on)",
            "  id=ID                   its name in monitors and, with .0, that of its bus (virtio-serial0)",
            "  inband=on|off           in-band notifications, for front-ends that have them (off)",
            "  indirect_desc=on|off    (on)",
            "  max_ports=N             1 to 511 (31)",
            "  status=on|off           vhost-user's STATUS (on)");

    private OptionHelp() {}

    /** Whether one of the texts of an option asks for help. */
    static boolean isAsked(Collection<String> texts) {
        return texts.stream().anyMatch(text -> ASKED.matcher(text).matches());
    }

    static List<String> chardevs(Collection<String> texts, Chardevs chardevs) throws ConfigException {
        List<String> lines = new ArrayList<>();
        for (String type : types(texts)) {
            if (type.isEmpty()) {
                lines.add("Available chardev backend types: ");
                indent(lines, chardevs.typeNames());
            } else if (chardevs.typeNames().contains(type)) {
                lines.add(type + " options:");
                indent(lines, chardevs.keys(type));
            } else {
                throw new ConfigException(
                        "'" + type + "' is not a valid char driver name",
                        "there are: " + String.join(", ", chardevs.typeNames()));
            }
        }
        return lines;
    }

    static List<String> objects(Collection<String> texts) throws ConfigException {
        List<String> lines = new ArrayList<>();
        for (String type : types(texts)) {
            if (type.isEmpty()) {
                lines.add("List of user creatable objects:");
                indent(lines, UserObjects.typeNames());
            } else {
                lines.add(type + " options:");
                indent(lines, UserObjects.keys(type));
            }
        }
        return lines;
    }

    static List<String> devices(Collection<String> texts) throws ConfigException {
        List<String> lines = new ArrayList<>();
        for (String driver : types(texts)) {
            if (driver.isEmpty()) {
                lines.add("virtconsole          a console (/dev/hvcN)");
                lines.add("virtserialport       a channel for programs (/dev/vportNpM, /dev/virtio-ports/NAME)");
                lines.add("vhost-user-serial    the device that these are on");
                continue;
            }
            boolean isController = DeviceConfig.isController(driver);
            if (!isController) {
                PortOptions.Type unused = PortConfig.type(driver);
            }
            lines.add(driver + " options:");
            if (driver.equals("virtconsole")) {
                lines.add(BUFFER);
            }
            lines.addAll(isController ? CONTROLLER : PORTS);
        }
        return lines;
    }

    /** What is asked for, each once: the name of a type, or "" for all types. */
    private static Collection<String> types(Collection<String> texts) {
        Collection<String> types = new TreeSet<>();
        for (String text : texts) {
            Matcher matcher = ASKED.matcher(text);
            if (matcher.matches()) {
                types.add(matcher.group(1) == null ? "" : matcher.group(1));
            }
        }
        return types;
    }

    private static void indent(List<String> lines, Collection<String> names) {
        names.forEach(name -> lines.add("  " + name));
    }
}
