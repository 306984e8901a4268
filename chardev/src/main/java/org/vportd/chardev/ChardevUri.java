package org.vportd.chardev;

import java.util.Map;
import java.util.function.Consumer;

/**
 * The short form of a chardev's options, as {@code -serial} and {@code -monitor} take it: {@code tcp:localhost:4444,server=on}.
 * The host may be an IPv6 number in brackets.
 */
public sealed interface ChardevUri {
    /**
     * One that exists already, {@code chardev:ID}.
     *
     * @param id its name
     */
    record Existing(String id) implements ChardevUri {}

    /**
     * One to be made.
     *
     * @param options what {@link Chardevs#add(Options)} takes
     * @param hasMonitor whether a monitor is to share it ({@code mon:}), which {@code mux=on} among the options allows
     */
    record Made(Options options, boolean hasMonitor) implements ChardevUri {
        /**
         * The options, where no monitor can share it.
         *
         * @throws ConfigException if one is to
         */
        public Options optionsWithoutMonitor() throws ConfigException {
            if (hasMonitor) {
                throw new ConfigException("mon: isn't supported in this context");
            }
            return options;
        }
    }

    /**
     * Reads one.
     *
     * @param id the id that what is made gets
     * @param warnings as with {@link Options#parse}
     * @throws ConfigException if it is of no form there is
     */
    static ChardevUri parse(String uri, String id, Consumer<String> warnings) throws ConfigException {
        if (uri.startsWith("chardev:")) {
            return new Existing(uri.substring("chardev:".length()));
        }
        boolean hasMonitor = uri.startsWith("mon:");
        String plain = hasMonitor ? uri.substring("mon:".length()) : uri;
        Map<String, String> values = new UriParser(plain, warnings).parse();
        values.put("id", id);
        if (hasMonitor) {
            values.put("mux", "on");
            if (plain.equals("stdio")) {
                values.put("signal", "off"); // Ctrl-C is the guest's: the monitor can end the program
            }
        }
        return new Made(Options.of(values), hasMonitor);
    }
}
