package org.vportd.serial.state;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.chardev.WindowSize;
import org.vportd.virtio.queue.HeldPosition;

/** The state of a device as bytes. */
class DeviceStateCodecTest {
    private static final int FIRST_PORT = 32;
    private static final byte[] NOTHING = {};

    private static DeviceState sample() {
        PortState console = new PortState(
                0, true, null, true, true, true, false, HeldPosition.NONE, new WindowSize(65535, 1), new byte[] {1, 2, 3
                });
        PortState channel = new PortState(
                3,
                false,
                "org.test.ä",
                true,
                false,
                true,
                true,
                new HeldPosition(0x8001_8001, 0xffff_ffffL),
                null,
                NOTHING);
        return new DeviceState(
                1L << 32 | 6,
                4,
                true,
                List.of(console, channel),
                List.of(new WaitingMessage(3, 7, 1, new byte[] {65, 0}), new WaitingMessage(2, 2, 1, NOTHING)));
    }

    /** Arrays in records are not compared by what they hold. */
    static String describe(DeviceState state) {
        StringBuilder text = new StringBuilder();
        text.append(state.features() + " " + state.maxPorts() + " " + state.ready());
        for (PortState port : state.ports()) {
            text.append("\n" + port.withBacklog(NOTHING).toString().replaceAll("@[0-9a-f]+", ""));
            text.append(Arrays.toString(port.backlog()));
        }
        for (WaitingMessage message : state.messages()) {
            text.append("\n" + message.port() + " " + message.event() + " " + message.value());
            text.append(Arrays.toString(message.payload()));
        }
        return text.toString();
    }

    /** Makes the checksum right again, so that what is wrong is found by another check. */
    private static byte[] sealed(byte[] bytes) {
        ByteBuffer fields = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        fields.putInt(DeviceStateCodec.LENGTH_OFFSET, bytes.length);
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, bytes.length - DeviceStateCodec.CHECKSUM_LENGTH);
        fields.putInt(bytes.length - DeviceStateCodec.CHECKSUM_LENGTH, (int) crc.getValue());
        return bytes;
    }

    private static String refusal(byte[] bytes) {
        StateFormatException e = assertThrows(StateFormatException.class, () -> DeviceStateCodec.decode(bytes));
        return String.valueOf(e.getMessage());
    }

    @Test
    @DisplayName("VS-40 every field comes back")
    void shouldReadWhatItHasWritten() throws StateFormatException {
        DeviceState state = sample();
        byte[] bytes = DeviceStateCodec.encode(state);
        DeviceState read = DeviceStateCodec.decode(bytes);
        assertEquals(describe(state), describe(read));
        assertArrayEquals(bytes, DeviceStateCodec.encode(read));
        PortState channel = read.port(3);
        assertNotNull(channel);
        assertEquals(new HeldPosition(0x8001_8001, 0xffff_ffffL), channel.held());
    }

    @Test
    @DisplayName("SEC-65 bytes that are cut off or damaged anywhere are refused")
    void shouldRefuseEveryDamage() {
        byte[] bytes = DeviceStateCodec.encode(sample());
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = new byte[length];
            System.arraycopy(bytes, 0, cut, 0, length);
            assertThrows(StateFormatException.class, () -> DeviceStateCodec.decode(cut), "length " + length);
        }
        for (int i = 0; i < 8 * bytes.length; i++) {
            byte[] damaged = bytes.clone();
            damaged[i / 8] ^= (byte) (1 << i % 8);
            assertThrows(StateFormatException.class, () -> DeviceStateCodec.decode(damaged), "bit " + i);
        }
    }

    @Test
    @DisplayName("SEC-65 bytes with a right checksum and anything else are refused or understood, never worse")
    void shouldSurviveNonsenseWithRightChecksum() {
        SplittableRandom random = new SplittableRandom(65);
        byte[] bytes = DeviceStateCodec.encode(sample());
        int understood = 0;
        for (int round = 0; round < 20_000; round++) {
            byte[] changed = bytes.clone();
            for (int n = random.nextInt(1, 4); n > 0; n--) {
                changed[random.nextInt(16, changed.length)] = (byte) random.nextInt();
            }
            sealed(changed);
            try {
                assertArrayEquals(changed, DeviceStateCodec.encode(DeviceStateCodec.decode(changed)));
                understood++;
            } catch (StateFormatException e) {
                assertTrue(String.valueOf(e.getMessage()).length() > 10);
            }
        }
        assertTrue(understood > 0 && understood < 20_000, () -> "neither nor");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            0  | 1 | not the state of a device: magic=
            8  | 2 | device state has an unknown version: version=2 known=1
            24 | 0 | max_ports is out of range: max_ports=0
            25 | 2 | max_ports is out of range: max_ports=516
            26 | 2 | device state has a bad mark: ready=2
            27 | 1 | device state has a bad mark: ready=257
            28 | 5 | device state has too many ports: ports=5
            30 | 3 | device state ends too early: wanted=8 left=0
            30 | 1 | device state has bytes without meaning: bytes=8
            32 | 4 | port is out of range: id=4 max_ports=4
            32 | 3 | device state has a port twice: id=3
            35 | 1 | port has unknown flags: id=0 flags=0x11d
            38 | 0 | size is half known: id=0 65535x0
            48 | 1 | name has a bad length: id=0 bytes=1 named=false
            52 | 1 | device state ends too early: wanted=65539
            53 | -1 | device state ends too early: wanted=4278190083
            """)
    @DisplayName("SEC-65 a field out of range is named")
    void shouldNameTheFieldThatIsWrong(int offset, int value, String message) {
        byte[] bytes = DeviceStateCodec.encode(sample());
        bytes[offset] = (byte) value;
        String refusal = refusal(sealed(bytes));
        assertTrue(refusal.startsWith(message), refusal);
    }

    @Test
    @DisplayName("SEC-65 a name that is no UTF-8, and output kept by a channel, are refused")
    void shouldRefuseWhatNoPortHas() {
        byte[] bytes = DeviceStateCodec.encode(sample());
        int channel = FIRST_PORT + 22 + 3;
        int nameEnd = channel + 22 + 11;
        bytes[nameEnd - 1] = 'x'; // the first byte of the last letter stays alone
        assertEquals("name is no UTF-8: id=3", refusal(sealed(bytes)));
        bytes = DeviceStateCodec.encode(sample());
        bytes[channel + 18] = 1;
        assertEquals("a channel keeps no output: id=3 backlog=1", refusal(sealed(bytes)));
        bytes[channel + 18] = 0;
        bytes[channel + 17] = 17;
        assertEquals("name has a bad length: id=3 bytes=4363 named=true", refusal(sealed(bytes)));
    }

    @Test
    void shouldHoldTheMostThatADeviceCanHave() throws StateFormatException {
        List<PortState> ports = new ArrayList<>();
        List<WaitingMessage> messages = new ArrayList<>();
        for (int id = 0; id < DeviceState.MAX_PORTS; id++) {
            String name = "n".repeat(255);
            ports.add(new PortState(id, false, name, true, true, true, true, HeldPosition.NONE, null, NOTHING));
            for (int i = 0; i < 9; i++) {
                messages.add(new WaitingMessage(id, 6, i, new byte[i == 0 ? 256 : 4]));
            }
        }
        byte[] bytes = DeviceStateCodec.encode(new DeviceState(0, 511, true, ports, messages));
        assertTrue(bytes.length < DeviceStateCodec.MAX_BYTES_BESIDES_BACKLOG, () -> "bytes " + bytes.length);
        assertEquals(
                DeviceState.MAX_PORTS, DeviceStateCodec.decode(bytes).ports().size());
    }
}
