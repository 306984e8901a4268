package org.vportd.serial;

/**
 * Numbers of the console device, all fields little-endian (Virtio 1.3 §5.3).
 *
 * <table>
 * <caption>Configuration space (§5.3.4)</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>2</td><td>cols</td></tr>
 * <tr><td>2</td><td>2</td><td>rows</td></tr>
 * <tr><td>4</td><td>4</td><td>max_nr_ports</td></tr>
 * <tr><td>8</td><td>4</td><td>emerg_wr, only with VIRTIO_CONSOLE_F_EMERG_WRITE</td></tr>
 * </table>
 *
 * <table>
 * <caption>Control message (§5.3.6.2); PORT_NAME and RESIZE append a payload</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>4</td><td>id: the port</td></tr>
 * <tr><td>4</td><td>2</td><td>event</td></tr>
 * <tr><td>6</td><td>2</td><td>value</td></tr>
 * </table>
 */
public final class ConsoleLayout {
    /** Feature bit: cols and rows are valid. */
    public static final int VIRTIO_CONSOLE_F_SIZE = 0;
    /** Feature bit: there are control queues and any number of ports. */
    public static final int VIRTIO_CONSOLE_F_MULTIPORT = 1;
    /** Feature bit: a character written to emerg_wr is put out. */
    public static final int VIRTIO_CONSOLE_F_EMERG_WRITE = 2;

    /** Offset of the columns of the console that is port 0. */
    public static final int COLS_OFFSET = 0;
    /** Offset of its rows. */
    public static final int ROWS_OFFSET = 2;
    /** Offset of the most ports there can be. */
    public static final int MAX_NR_PORTS_OFFSET = 4;
    /** Offset of the emergency character. */
    public static final int EMERG_WR_OFFSET = 8;
    /** Length of configuration space without the emergency character. */
    public static final int CONFIG_LENGTH = 8;
    /** Length of configuration space with it. */
    public static final int CONFIG_LENGTH_EMERG_WRITE = 12;

    /** Offset of the port in a control message. */
    public static final int CONTROL_ID_OFFSET = 0;
    /** Offset of the event in a control message. */
    public static final int CONTROL_EVENT_OFFSET = 4;
    /** Offset of the value in a control message. */
    public static final int CONTROL_VALUE_OFFSET = 6;
    /** Length of a control message without payload. */
    public static final int CONTROL_LENGTH = 8;

    /** Event, from the driver: it is ready for ports (value 1) or has failed (0). */
    public static final int VIRTIO_CONSOLE_DEVICE_READY = 0;
    /** Event, to the driver: a port exists. */
    public static final int VIRTIO_CONSOLE_PORT_ADD = 1;
    /** Event, to the driver: a port is gone. */
    public static final int VIRTIO_CONSOLE_PORT_REMOVE = 2;
    /** Event, from the driver: it can use a port (1) or has failed to set it up (0). */
    public static final int VIRTIO_CONSOLE_PORT_READY = 3;
    /** Event, to the driver: the port is to be a console. */
    public static final int VIRTIO_CONSOLE_CONSOLE_PORT = 4;
    /** Event, to the driver: the console has a new size. */
    public static final int VIRTIO_CONSOLE_RESIZE = 5;
    /** Event, both ways: the sender's side of a port is open (1) or closed (0). */
    public static final int VIRTIO_CONSOLE_PORT_OPEN = 6;
    /** Event, to the driver: the name of a port. */
    public static final int VIRTIO_CONSOLE_PORT_NAME = 7;

    /** Queue of control messages to the driver (§5.3.2). */
    public static final int CONTROL_RX_QUEUE = 2;
    /** Queue of control messages from the driver. */
    public static final int CONTROL_TX_QUEUE = 3;
    /** The most ports QEMU and Linux agree on. */
    public static final int MAX_PORTS = 511;

    private ConsoleLayout() {}

    /** Queue of data to the driver (§5.3.2): port 0 keeps the place it had before there were more. */
    public static int rxQueue(int port) {
        return port == 0 ? 0 : 2 * (port + 1);
    }

    /** Queue of data from the driver. */
    public static int txQueue(int port) {
        return rxQueue(port) + 1;
    }

    /** The port that a data queue belongs to. */
    public static int portOfQueue(int queue) {
        return queue < CONTROL_RX_QUEUE ? 0 : queue / 2 - 1;
    }

    /** The number of queues for a number of ports, the control queues included. */
    public static int queues(int maxPorts) {
        return 2 * (maxPorts + 1);
    }
}
