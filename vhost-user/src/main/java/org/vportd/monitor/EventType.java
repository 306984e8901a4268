package org.vportd.monitor;

import java.util.List;
import org.vportd.monitor.schema.Builtin;
import org.vportd.monitor.schema.EnumType;
import org.vportd.monitor.schema.Member;
import org.vportd.monitor.schema.ObjectType;

/**
 * What clients can hear of without asking.
 *
 * @param limitedById whether events of one {@code id} come a second apart at least
 * @param data what comes with it
 */
record EventType(String name, boolean limitedById, ObjectType data) {
    /** A process in the guest has opened a port, or the last one has closed it. */
    static final EventType VSERPORT_CHANGE =
            limited("VSERPORT_CHANGE", Member.required("id", Builtin.STR), Member.required("open", Builtin.BOOL));

    /** A device has gone. */
    static final EventType DEVICE_DELETED =
            each("DEVICE_DELETED", Member.optional("device", Builtin.STR), Member.required("path", Builtin.STR));

    /** The program is about to end. */
    static final EventType SHUTDOWN = each(
            "SHUTDOWN",
            Member.required("guest", Builtin.BOOL),
            Member.required("reason", EnumType.of("ShutdownCause", "host-qmp-quit")));

    /** A peer has connected to a chardev, or has left it. Not known to QEMU, whose clients have to ask. */
    static final EventType CHARDEV_CHANGE = limited(
            "CHARDEV_CHANGE",
            Member.required("id", Builtin.STR),
            Member.required("open", Builtin.BOOL),
            Member.required("filename", Builtin.STR));

    /** All of them. */
    static final List<EventType> ALL = List.of(VSERPORT_CHANGE, DEVICE_DELETED, SHUTDOWN, CHARDEV_CHANGE);

    private static EventType limited(String name, Member... data) {
        return new EventType(name, true, ObjectType.of(name, data));
    }

    private static EventType each(String name, Member... data) {
        return new EventType(name, false, ObjectType.of(name, data));
    }
}
