package org.vportd.serial;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Keeps what a class logs, instead of printing it. */
final class LogCapture extends Handler {
    private final Logger logger;
    private final List<String> lines = new ArrayList<>();

    LogCapture(Class<?> owner) {
        logger = Logger.getLogger(owner.getName()); // where the platform's System.Logger ends up
        logger.setUseParentHandlers(false);
        logger.addHandler(this);
    }

    List<String> lines() {
        return lines;
    }

    @Override
    public void publish(LogRecord line) {
        lines.add(line.getMessage());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        logger.removeHandler(this);
        logger.setUseParentHandlers(true);
    }
}
