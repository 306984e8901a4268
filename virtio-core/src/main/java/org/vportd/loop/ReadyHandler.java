package org.vportd.loop;

/** Told when a watched descriptor changes its readiness. */
@FunctionalInterface
public interface ReadyHandler {
    /**
     * Called on the loop thread.
     *
     * @param events bits of {@link org.vportd.posix.Epoll}
     */
    void onReady(int events);
}
