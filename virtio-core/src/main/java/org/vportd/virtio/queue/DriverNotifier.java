package org.vportd.virtio.queue;

/** The way to interrupt the driver; what vhost-user names the call. */
@FunctionalInterface
public interface DriverNotifier {
    /** Tells the driver to look at its used ring. Never waits. */
    void call();
}
