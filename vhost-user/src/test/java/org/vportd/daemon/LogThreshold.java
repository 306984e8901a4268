package org.vportd.daemon;

/** What tests say of their own log: what is logged of hostile peers would fill pages. */
public final class LogThreshold {
    private LogThreshold() {}

    /** Leaves out all that is no error. */
    public static void errorsOnly() {
        StderrLoggerFinder.setThreshold(System.Logger.Level.ERROR);
    }
}
