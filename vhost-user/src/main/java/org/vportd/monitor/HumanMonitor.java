package org.vportd.monitor;

/** Carries out commands in the form that people type. */
@FunctionalInterface
public interface HumanMonitor {
    /**
     * Carries out a line.
     *
     * @return what a person would be shown; empty if there is nothing to say
     */
    String execute(String line);
}
