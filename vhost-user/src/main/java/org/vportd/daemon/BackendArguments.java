package org.vportd.daemon;

import static org.vportd.daemon.OptionSpecs.text;
import static org.vportd.daemon.OptionSpecs.texts;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ChardevUri;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.monitor.JsonOptions;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** The command line's options for character devices, ports and monitors, in long and in short form. */
final class BackendArguments {
    private static final System.Logger LOGGER = System.getLogger(BackendArguments.class.getName());
    private static final int MAX_ESCAPE = 255;
    private static final String DEFAULT_ESCAPE = "1";
    private static final String NONE = "none";

    private final ParseResult given;

    /**
     * Takes them from a command line.
     *
     * @param given what was parsed by a command that has the {@linkplain #options() options}
     */
    BackendArguments(ParseResult given) {
        this.given = given;
    }

    /** The options by which a command gets these. */
    static List<OptionSpec> options() {
        return List.of(
                texts(
                        "-object",
                        "TYPE,id=ID[,KEY=VALUE]...",
                        "Make what character devices refer to: tls-creds-x509, authz-simple, authz-list, secret;"
                                + " or a monitor: monitor-qmp or monitor-hmp, with chardev=ID."),
                texts(
                        "-chardev",
                        "TYPE,id=ID[,KEY=VALUE]...",
                        "Make a character device; -chardev help lists the types, -chardev TYPE,help what one takes. All have logfile=PATH, logappend=on|off, "
                                + "logmaxsize=SIZE, logkeep=N, logtimestamp=on|off, mux=on|off and mux-be-id=HUB."),
                texts(
                        "-device",
                        "DRIVER[,KEY=VALUE]...",
                        "Plug a port: virtconsole or virtserialport, with chardev=ID, name=NAME, nr=N, id=ID, bus=BUS, buffer=SIZE; or make a "
                                + "device, one for each guest: vhost-user-serial, with id=ID, socket-path=PATH, socket-mode=OCTAL, fd=FD, max_ports=N (31), emergency-write=on|off, "
                                + "event_idx=on|off, indirect_desc=on|off, packed=on|off, in_order=on|off, size=on|off, resize-order=cols-rows|rows-cols, "
                                + "status=on|off, inband=on|off, iommu_platform=on|off, gpa=on|off."),
                texts(
                        "-virtioconsole",
                        "URI",
                        "Plug a console on a character device in short form: pty, stdio, mon:stdio, unix:PATH,server=on, "
                                + "tcp:HOST:PORT, telnet:HOST:PORT,server=on, file:PATH, pipe:PATH, vc, null, chardev:ID ..."),
                texts(
                        "-mon",
                        "[chardev=]ID[,mode=control|readline][,pretty=on|off]",
                        "Run a monitor on a character device, QMP with mode=control, commands to type otherwise:"
                                + " the older form of -object monitor-qmp and monitor-hmp."),
                texts(
                        "-qmp",
                        "URI",
                        "Run a QMP monitor on a character device in short form, such as unix:PATH,server=on,wait=off."),
                texts("-qmp-pretty", "URI", "The same, laid out for people."),
                texts("-monitor", "URI", "Run a monitor with commands to type on a character device in short form."),
                text(
                        "-echr",
                        "N",
                        "The code of the key that begins a command to a multiplexed character device (1: Ctrl-A)."),
                texts(
                        "-add-fd",
                        "fd=FD,set=SET[,opaque=TEXT]",
                        "Put an inherited descriptor into a set, for paths such as /dev/fdset/SET."));
    }

    /** What all of these ask for. */
    record Parsed(
            List<Options> objects,
            List<ChardevConfig> chardevs,
            List<MonitorConfig> monitors,
            List<Options> devices,
            List<PassedFd> passed) {}

    /** Answers what options ask about themselves, if any do; nothing else is done then. */
    boolean answersHelp(OptionHelp help) throws ConfigException, StartException {
        List<String> chardevs = asking("-chardev");
        List<String> devices = asking("-device");
        List<String> objects = asking("-object");
        for (String chardev : chardevs) {
            help.chardev(chardev);
        }
        for (String device : devices) {
            help.device(device);
        }
        for (String object : objects) {
            help.object(object);
        }
        return !chardevs.isEmpty() || !devices.isEmpty() || !objects.isEmpty();
    }

    private List<String> asking(String option) {
        return valuesOf(option).stream()
                .filter(text -> !JsonOptions.isJson(text) && OptionHelp.isAsked(text))
                .toList();
    }

    byte escape() throws ConfigException {
        String escape = given.matchedOptionValue("-echr", DEFAULT_ESCAPE);
        try {
            int code = Integer.decode(escape);
            if (code >= 0 && code <= MAX_ESCAPE) {
                return (byte) code;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new ConfigException("-echr expects the code of a character", "0 to 255; got '" + escape + "'");
    }

    Parsed parse() throws ConfigException {
        List<ChardevConfig> madeChardevs = new ArrayList<>();
        for (Options chardev : parse("-chardev", "backend")) {
            madeChardevs.add(ChardevConfig.of(chardev));
        }
        List<Options> madeDevices = parse("-device", "driver", JsonOptions::device);
        List<MonitorConfig> madeMonitors = new ArrayList<>();
        for (Options monitor : parse("-mon", "chardev")) {
            try {
                madeMonitors.add(MonitorConfig.parse(monitor));
            } catch (ConfigException e) {
                throw e.within("-mon " + monitor);
            }
        }
        Made made = new Made(madeChardevs, madeMonitors);
        for (String uri : valuesOf("-virtioconsole")) {
            String id = made.chardev("-virtioconsole", uri, "virtioconsole" + made.consoles++);
            if (id != null) {
                madeDevices.add(Options.parse("virtconsole,chardev=" + id.replace(",", ",,"), "driver", text -> {}));
            }
        }
        made.monitors("-qmp", valuesOf("-qmp"), MonitorConfig.Mode.CONTROL, false);
        made.monitors("-qmp-pretty", valuesOf("-qmp-pretty"), MonitorConfig.Mode.CONTROL, true);
        made.monitors("-monitor", valuesOf("-monitor"), MonitorConfig.Mode.READLINE, false);
        List<Options> madeObjects = new ArrayList<>();
        for (Options object : parse("-object", "qom-type", JsonOptions::object)) {
            if (!MonitorConfig.isObject(object)) {
                madeObjects.add(object);
                continue;
            }
            try {
                madeMonitors.add(MonitorConfig.ofObject(object));
            } catch (ConfigException e) {
                throw e.within("-object " + object);
            }
        }
        return new Parsed(madeObjects, madeChardevs, madeMonitors, madeDevices, parsePassed());
    }

    private List<PassedFd> parsePassed() throws ConfigException {
        List<PassedFd> made = new ArrayList<>();
        for (Options options : parse("-add-fd", "")) {
            try {
                made.add(PassedFd.parse(options));
            } catch (ConfigException e) {
                throw e.within("-add-fd " + options);
            }
        }
        return made;
    }

    private List<String> valuesOf(String option) {
        return given.matchedOptionValue(option, List.of());
    }

    private List<Options> parse(String option, String impliedKey) {
        List<Options> parsed = new ArrayList<>();
        for (String text : valuesOf(option)) {
            parsed.add(Options.parse(text, impliedKey, BackendArguments::warn));
        }
        return parsed;
    }

    private interface JsonParser {
        Options parse(String text) throws ConfigException;
    }

    /** The same for options that may be written as JSON, too. */
    private List<Options> parse(String option, String impliedKey, JsonParser parser) throws ConfigException {
        List<Options> parsed = new ArrayList<>();
        for (String text : valuesOf(option)) {
            if (!JsonOptions.isJson(text)) {
                parsed.add(Options.parse(text, impliedKey, BackendArguments::warn));
                continue;
            }
            try {
                parsed.add(parser.parse(text));
            } catch (ConfigException e) {
                throw e.within(option + " " + text);
            }
        }
        return parsed;
    }

    private static void warn(String warning) {
        LOGGER.log(System.Logger.Level.WARNING, warning);
    }

    /** What short forms add to what has been given in long form. */
    private static final class Made {
        private final List<ChardevConfig> chardevs;
        private final List<MonitorConfig> monitors;
        private int consoles;
        private int monitorChardevs;

        Made(List<ChardevConfig> chardevs, List<MonitorConfig> monitors) {
            this.chardevs = chardevs;
            this.monitors = monitors;
        }

        void monitors(String option, List<String> uris, MonitorConfig.Mode mode, boolean pretty)
                throws ConfigException {
            for (String uri : uris) {
                String id = chardev(option, uri, "compat_monitor" + monitorChardevs++);
                if (id != null) {
                    monitors.add(new MonitorConfig(option + " " + uri, id, mode, pretty));
                }
            }
        }

        /** The id of the chardev that a short form stands for, or null if it stands for none. */
        @Nullable
        String chardev(String option, String uri, String newId) throws ConfigException {
            if (uri.equals(NONE)) {
                return null;
            }
            try {
                ChardevUri parsed = ChardevUri.parse(uri, newId, BackendArguments::warn);
                if (parsed instanceof ChardevUri.Existing existing) {
                    return existing.id();
                }
                ChardevUri.Made made = (ChardevUri.Made) parsed;
                if (made.hasMonitor() && !option.equals("-virtioconsole")) {
                    made.optionsWithoutMonitor(); // says why not
                }
                String source = option + " " + uri;
                chardevs.add(new ChardevConfig(source, made.options()));
                if (made.hasMonitor()) {
                    monitors.add(new MonitorConfig(source, newId, MonitorConfig.Mode.READLINE, false));
                }
                return newId;
            } catch (ConfigException e) {
                throw e.within(option + " " + uri);
            }
        }
    }
}
