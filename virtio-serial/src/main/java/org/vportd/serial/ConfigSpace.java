package org.vportd.serial;

import static org.vportd.serial.ConsoleLayout.COLS_OFFSET;
import static org.vportd.serial.ConsoleLayout.EMERG_WR_OFFSET;
import static org.vportd.serial.ConsoleLayout.MAX_NR_PORTS_OFFSET;
import static org.vportd.serial.ConsoleLayout.ROWS_OFFSET;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.vportd.chardev.WindowSize;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/** The configuration space of a device (Virtio 1.3 §5.3.4), and what is written to it in an emergency. */
final class ConfigSpace implements AutoCloseable {
    private final SerialDevice device;
    private final IoVector emergency = new IoVector();
    private final long character = NativeMemory.allocate(1);

    ConfigSpace(SerialDevice device) {
        this.device = device;
    }

    int bytes() {
        return device.options().emergencyWrite()
                ? ConsoleLayout.CONFIG_LENGTH_EMERG_WRITE
                : ConsoleLayout.CONFIG_LENGTH;
    }

    void read(byte[] to) {
        Arrays.fill(to, 0, bytes(), (byte) 0);
        ByteBuffer fields = ByteBuffer.wrap(to).order(ByteOrder.LITTLE_ENDIAN);
        SerialPort first = device.port(0);
        WindowSize size = first == null ? null : first.windowSize();
        if (size != null) {
            fields.putShort(COLS_OFFSET, (short) size.columns());
            fields.putShort(ROWS_OFFSET, (short) size.rows());
        }
        fields.putInt(MAX_NR_PORTS_OFFSET, device.options().maxPorts());
    }

    void write(int offset, byte[] bytes) {
        int value = 0;
        for (int i = 0; i < bytes.length; i++) {
            int place = offset + i - EMERG_WR_OFFSET;
            if (place >= 0 && place < Integer.BYTES) {
                value |= (bytes[i] & 0xff) << (8 * place);
            }
        }
        if (value != 0 && device.options().emergencyWrite()) { // 0 is what a write of other fields brings along
            putOut((byte) value);
        }
    }

    /** Through the first console that is there. */
    private void putOut(byte value) {
        for (SerialPort port : device.ports()) {
            if (port.isConsole() && port.isHostConnected()) {
                NativeMemory.putByte(character, value);
                emergency.clear();
                emergency.add(character, 1);
                port.emergencyWrite(emergency);
                return;
            }
        }
    }

    @Override
    public void close() {
        emergency.close();
        NativeMemory.free(character);
    }
}
