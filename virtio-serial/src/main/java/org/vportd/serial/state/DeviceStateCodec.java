package org.vportd.serial.state;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.zip.CRC32C;
import org.vportd.chardev.WindowSize;
import org.vportd.virtio.queue.HeldPosition;

/**
 * The state of a device as bytes, all little-endian. What comes from elsewhere is checked field by field, and takes no more
 * memory than it is long.
 *
 * <table>
 * <caption>The whole</caption>
 * <tr><th>size</th><th>field</th></tr>
 * <tr><td>8</td><td>magic</td></tr>
 * <tr><td>4</td><td>version</td></tr>
 * <tr><td>4</td><td>length of the whole</td></tr>
 * <tr><td>8</td><td>virtio features of the driver</td></tr>
 * <tr><td>2</td><td>max_nr_ports</td></tr>
 * <tr><td>1</td><td>1 if the driver is ready, otherwise 0</td></tr>
 * <tr><td>1</td><td>0</td></tr>
 * <tr><td>2</td><td>number of ports, which follow</td></tr>
 * <tr><td>2</td><td>number of messages, which follow the ports</td></tr>
 * <tr><td>4</td><td>at the end: CRC-32C of all before it</td></tr>
 * </table>
 *
 * <table>
 * <caption>A port</caption>
 * <tr><th>size</th><th>field</th></tr>
 * <tr><td>2</td><td>id</td></tr>
 * <tr><td>2</td><td>flags: bit 0 console, 1 named, 2 announced, 3 guest, 4 host, 5 stale</td></tr>
 * <tr><td>2</td><td>columns, 0 if the size is unknown</td></tr>
 * <tr><td>2</td><td>rows, likewise</td></tr>
 * <tr><td>4</td><td>held position: base of the ring</td></tr>
 * <tr><td>4</td><td>held position: bytes of the chain</td></tr>
 * <tr><td>2</td><td>bytes of the name, which follows</td></tr>
 * <tr><td>4</td><td>bytes of the backlog, which follows the name</td></tr>
 * </table>
 *
 * <table>
 * <caption>A message</caption>
 * <tr><th>size</th><th>field</th></tr>
 * <tr><td>2</td><td>port</td></tr>
 * <tr><td>2</td><td>event</td></tr>
 * <tr><td>2</td><td>value</td></tr>
 * <tr><td>2</td><td>bytes of the payload, which follows</td></tr>
 * </table>
 */
public final class DeviceStateCodec {
    /** The version written; others are refused. */
    public static final int VERSION = 1;
    /** The most that a state takes, output that waits for chardevs not counted. */
    public static final int MAX_BYTES_BESIDES_BACKLOG = 1 << 20;

    static final long MAGIC = 0x5453_4454_524f_5056L; // "VPORTDST"
    static final int VERSION_OFFSET = 8;
    static final int LENGTH_OFFSET = 12;
    static final int CHECKSUM_LENGTH = 4;

    private static final int HEADER_LENGTH = 32;
    private static final int PORT_LENGTH = 22;
    private static final int MESSAGE_LENGTH = 8;
    private static final int MAX_NAME_BYTES = WaitingMessage.MAX_PAYLOAD_BYTES - 1;

    private static final int CONSOLE = 1;
    private static final int NAMED = 1 << 1;
    private static final int ANNOUNCED = 1 << 2;
    private static final int GUEST = 1 << 3;
    private static final int HOST = 1 << 4;
    private static final int STALE = 1 << 5;
    private static final int ALL_FLAGS = (STALE << 1) - 1;

    private DeviceStateCodec() {}

    /** The bytes of a state. */
    public static byte[] encode(DeviceState state) {
        int length = HEADER_LENGTH + CHECKSUM_LENGTH;
        for (PortState port : state.ports()) {
            length += PORT_LENGTH + name(port).length + port.backlog().length;
        }
        for (WaitingMessage message : state.messages()) {
            length += MESSAGE_LENGTH + message.payload().length;
        }
        ByteBuffer to = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        to.putLong(MAGIC).putInt(VERSION).putInt(length);
        to.putLong(state.features()).putShort((short) state.maxPorts());
        to.put((byte) (state.ready() ? 1 : 0)).put((byte) 0);
        to.putShort((short) state.ports().size())
                .putShort((short) state.messages().size());
        state.ports().forEach(port -> encode(port, to));
        state.messages().forEach(message -> encode(message, to));
        to.putInt(checksum(to.array(), to.position()));
        return to.array();
    }

    private static byte[] name(PortState port) {
        String name = port.name();
        return name == null ? new byte[0] : name.getBytes(StandardCharsets.UTF_8);
    }

    private static void encode(PortState port, ByteBuffer to) {
        int flags = (port.console() ? CONSOLE : 0)
                | (port.name() != null ? NAMED : 0)
                | (port.announced() ? ANNOUNCED : 0)
                | (port.guestConnected() ? GUEST : 0)
                | (port.hostConnected() ? HOST : 0)
                | (port.stale() ? STALE : 0);
        WindowSize size = port.size();
        byte[] name = name(port);
        to.putShort((short) port.id()).putShort((short) flags);
        to.putShort((short) (size == null ? 0 : size.columns()));
        to.putShort((short) (size == null ? 0 : size.rows()));
        to.putInt(port.held().index()).putInt((int) port.held().bytes()); // a chain is shorter than 2^32 bytes
        to.putShort((short) name.length).putInt(port.backlog().length);
        to.put(name).put(port.backlog());
    }

    private static void encode(WaitingMessage message, ByteBuffer to) {
        to.putShort((short) message.port()).putShort((short) message.event()).putShort((short) message.value());
        to.putShort((short) message.payload().length).put(message.payload());
    }

    private static int checksum(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }

    /**
     * The state that bytes hold.
     *
     * @throws StateFormatException if they are damaged, of another version, or none at all
     */
    public static DeviceState decode(byte[] bytes) throws StateFormatException {
        require(bytes.length >= HEADER_LENGTH + CHECKSUM_LENGTH, "device state is too short: bytes=" + bytes.length);
        ByteBuffer from = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        require(from.getLong() == MAGIC, "not the state of a device: magic=0x" + Long.toHexString(from.getLong(0)));
        int version = from.getInt();
        require(version == VERSION, "device state has an unknown version: version=" + version + " known=" + VERSION);
        int length = from.getInt();
        require(length == bytes.length, "device state has another length: length=" + length + " bytes=" + bytes.length);
        int end = bytes.length - CHECKSUM_LENGTH;
        require(from.getInt(end) == checksum(bytes, end), "device state is damaged: its checksum does not fit");
        from.limit(end);
        long features = from.getLong();
        int maxPorts = u16(from);
        require(maxPorts >= 1 && maxPorts <= DeviceState.MAX_PORTS, "max_ports is out of range: max_ports=" + maxPorts);
        int ready = from.getShort();
        require(ready == 0 || ready == 1, "device state has a bad mark: ready=" + ready);
        int portCount = u16(from);
        int messageCount = u16(from);
        require(portCount <= maxPorts, "device state has too many ports: ports=" + portCount);
        List<PortState> ports = new ArrayList<>();
        BitSet ids = new BitSet();
        for (int i = 0; i < portCount; i++) {
            PortState port = decodePort(from, maxPorts);
            require(!ids.get(port.id()), "device state has a port twice: id=" + port.id());
            ids.set(port.id());
            ports.add(port);
        }
        List<WaitingMessage> messages = new ArrayList<>();
        for (int i = 0; i < messageCount; i++) {
            messages.add(decodeMessage(from, maxPorts));
        }
        require(!from.hasRemaining(), "device state has bytes without meaning: bytes=" + from.remaining());
        return new DeviceState(features, maxPorts, ready == 1, ports, messages);
    }

    private static PortState decodePort(ByteBuffer from, int maxPorts) throws StateFormatException {
        requireLeft(from, PORT_LENGTH);
        int id = u16(from);
        int flags = u16(from);
        int columns = u16(from);
        int rows = u16(from);
        HeldPosition held = new HeldPosition(from.getInt(), from.getInt() & 0xffff_ffffL);
        int nameBytes = u16(from);
        int backlogBytes = from.getInt();
        require(id < maxPorts, "port is out of range: id=" + id + " max_ports=" + maxPorts);
        require(
                (flags & ~ALL_FLAGS) == 0,
                "port has unknown flags: id=" + id + " flags=0x" + Integer.toHexString(flags));
        boolean sized = WindowSize.isKnown(columns, rows);
        require(sized || (columns == 0 && rows == 0), "size is half known: id=" + id + " " + columns + "x" + rows);
        boolean named = (flags & NAMED) != 0;
        require(
                nameBytes <= (named ? MAX_NAME_BYTES : 0),
                "name has a bad length: id=" + id + " bytes=" + nameBytes + " named=" + named);
        boolean console = (flags & CONSOLE) != 0;
        require(backlogBytes == 0 || console, "a channel keeps no output: id=" + id + " backlog=" + backlogBytes);
        byte[] name = take(from, nameBytes);
        return new PortState(
                id,
                console,
                named ? text(id, name) : null,
                (flags & ANNOUNCED) != 0,
                (flags & GUEST) != 0,
                (flags & HOST) != 0,
                (flags & STALE) != 0,
                held,
                sized ? new WindowSize(columns, rows) : null,
                take(from, backlogBytes));
    }

    private static WaitingMessage decodeMessage(ByteBuffer from, int maxPorts) throws StateFormatException {
        requireLeft(from, MESSAGE_LENGTH);
        int port = u16(from);
        int event = u16(from);
        int value = u16(from);
        int payloadBytes = u16(from);
        require(port < maxPorts, "message is about no port: id=" + port + " max_ports=" + maxPorts);
        require(
                payloadBytes <= WaitingMessage.MAX_PAYLOAD_BYTES,
                "message is too long: id=" + port + " payload=" + payloadBytes);
        return new WaitingMessage(port, event, value, take(from, payloadBytes));
    }

    private static String text(int id, byte[] bytes) throws StateFormatException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder() // which reports what is malformed, unlike String
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new StateFormatException("name is no UTF-8: id=" + id);
        }
    }

    private static byte[] take(ByteBuffer from, int length) throws StateFormatException {
        requireLeft(from, length);
        byte[] bytes = new byte[length];
        from.get(bytes);
        return bytes;
    }

    private static int u16(ByteBuffer from) {
        return from.getShort() & 0xffff;
    }

    private static void requireLeft(ByteBuffer from, int length) throws StateFormatException {
        require(
                length >= 0 && length <= from.remaining(),
                "device state ends too early: wanted=" + Integer.toUnsignedString(length) + " left="
                        + from.remaining());
    }

    private static void require(boolean holds, String otherwise) throws StateFormatException {
        if (!holds) {
            throw new StateFormatException(otherwise);
        }
    }
}
