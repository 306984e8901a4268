package org.vportd.loop;

/** A way to do something while no other thread does anything with a program's loops. */
@FunctionalInterface
public interface Standstill {
    /** For a program of one loop, on its thread. */
    Standstill ALONE = Runnable::run;

    /** Does the work now, on the calling thread, and returns when it is done. */
    void during(Runnable work);
}
