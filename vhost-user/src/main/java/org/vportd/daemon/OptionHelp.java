package org.vportd.daemon;

import java.io.PrintStream;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.chardev.secure.UserObjects;
import org.vportd.loop.EventLoop;
import org.vportd.posix.PosixException;

/** Answers {@code -chardev help}, {@code -device virtconsole,help} and the like. */
final class OptionHelp {
    private static final Set<String> WORDS = Set.of("help", "?");

    private final PrintStream out;

    OptionHelp(PrintStream out) {
        this.out = out;
    }

    /** Whether an option asks what it can be: there is a word for help alone between its commas. */
    static boolean isAsked(String option) {
        return List.of(option.split(",", -1)).stream().anyMatch(WORDS::contains);
    }

    /** Prints the types of character devices, or what the one takes that is named. */
    void chardev(String option) throws ConfigException, StartException {
        try (EventLoop loop = EventLoop.open();
                Chardevs chardevs = BuiltinTypes.table(loop, ChardevServices.NONE)) {
            String type = kind(option);
            if (WORDS.contains(type)) {
                list("Available chardev backend types: ", chardevs.typeNames());
            } else if (chardevs.typeNames().contains(type)) {
                list(type + " options:", chardevs.keys(type));
            } else {
                throw new ConfigException("'" + type + "' is not a valid char driver name", "see -chardev help");
            }
        } catch (PosixException e) {
            throw new StartException("cannot start: " + e.getMessage());
        }
    }

    /** Prints the devices, or the properties of the one that is named. */
    void device(String option) throws ConfigException {
        String driver = kind(option);
        if (WORDS.contains(driver)) {
            list("Available devices: ", DeviceConfig.drivers());
        } else {
            list(driver + " options:", DeviceConfig.keys(driver));
        }
    }

    /** Prints the types of objects, or what the one takes that is named. */
    void object(String option) throws ConfigException {
        String type = kind(option);
        if (WORDS.contains(type)) {
            Set<String> types = new TreeSet<>(UserObjects.typeNames());
            types.addAll(MonitorConfig.objectKeys().keySet());
            list("List of user creatable objects:", types);
        } else if (MonitorConfig.objectKeys().containsKey(type)) {
            list(type + " options:", MonitorConfig.objectKeys().getOrDefault(type, Set.of()));
        } else if (UserObjects.typeNames().contains(type)) {
            list(type + " options:", UserObjects.keys(type));
        } else {
            throw new ConfigException("Parameter 'qom-type' does not accept value '" + type + "'", "see -object help");
        }
    }

    private static String kind(String option) {
        String first = option.split(",", -1)[0];
        return first.substring(first.indexOf('=') + 1);
    }

    private void list(String title, Collection<String> names) {
        out.println(title);
        new TreeSet<>(names).forEach(name -> out.println("  " + name));
    }
}
