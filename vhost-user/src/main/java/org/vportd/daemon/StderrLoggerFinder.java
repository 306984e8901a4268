package org.vportd.daemon;

import java.io.PrintStream;
import java.lang.System.Logger;
import java.text.MessageFormat;
import java.util.Locale;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/**
 * Sends the platform's loggers to standard error, a line each. Under systemd's journal the line begins with the priority
 * that syslog gives the level.
 */
public final class StderrLoggerFinder extends System.LoggerFinder {
    private static final boolean JOURNAL = System.getenv("JOURNAL_STREAM") != null;

    private static volatile Logger.Level threshold = Logger.Level.INFO;

    /** For the service loader. */
    public StderrLoggerFinder() {}

    /** Leaves out lines below a level. */
    static void setThreshold(Logger.Level level) {
        threshold = level;
    }

    @Override
    public Logger getLogger(String name, Module module) {
        return new StderrLogger(name);
    }

    private static final class StderrLogger implements Logger {
        private final String name;
        private final PrintStream out = System.err;

        StderrLogger(String name) {
            this.name = name;
        }

        @Override
        public String getName() {
            return name;
        }

        @Override
        public boolean isLoggable(Level level) {
            return level.getSeverity() >= threshold.getSeverity();
        }

        @Override
        public void log(
                Level level, @Nullable ResourceBundle bundle, @Nullable String message, @Nullable Throwable thrown) {
            if (!isLoggable(level)) {
                return;
            }
            out.println(prefix(level) + printable(String.valueOf(message)));
            if (thrown != null) {
                thrown.printStackTrace(out);
            }
        }

        @Override
        public void log(Level level, @Nullable ResourceBundle bundle, String format, Object @Nullable ... params) {
            log(
                    level,
                    bundle,
                    params == null || params.length == 0 ? format : MessageFormat.format(format, params),
                    (Throwable) null);
        }

        private static String prefix(Level level) {
            String word = "vportd: " + level.getName().toLowerCase(Locale.ROOT) + ": ";
            if (!JOURNAL) {
                return word;
            }
            return switch (level) {
                        case ERROR -> "<3>";
                        case WARNING -> "<4>";
                        case INFO -> "<6>";
                        default -> "<7>";
                    }
                    + word;
        }

        /** Names come from outside: no control character of theirs reaches a terminal. */
        private static String printable(String text) {
            StringBuilder line = new StringBuilder(text.length());
            text.chars().forEach(c -> {
                if (c < ' ' || (c >= 0x7f && c < 0xa0)) {
                    line.append(String.format("\\x%02x", c));
                } else {
                    line.append((char) c);
                }
            });
            return line.toString();
        }
    }
}
