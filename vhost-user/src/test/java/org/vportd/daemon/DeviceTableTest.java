package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.loop.EventLoop;
import org.vportd.monitor.DeviceNotFoundException;
import org.vportd.serial.PortNames;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialOptions;

class DeviceTableTest {
    private final List<String> deleted = new ArrayList<>();
    private EventLoop loop;
    private Chardevs chardevs;
    private SerialDevice device;
    private DeviceTable table;

    @BeforeEach
    void open() throws Exception {
        loop = EventLoop.open();
        chardevs = BuiltinTypes.table(loop, ChardevServices.NONE);
        device = new SerialDevice(loop, SerialOptions.defaults(), new PortNames(), (port, open) -> {});
        table = new DeviceTable(device, chardevs, (id, path) -> deleted.add(id + " " + path));
    }

    @AfterEach
    void close() {
        device.close();
        chardevs.close();
        loop.close();
    }

    private void add(String options) throws ConfigException {
        table.add(Options.parse(options, "driver", warning -> {}));
    }

    private String refusal(String options) {
        return String.valueOf(
                assertThrows(ConfigException.class, () -> add(options)).getMessage());
    }

    @Test
    @DisplayName("QMP-09 a port without id is removed by its path; the first free place is taken")
    void removesByPath() throws ConfigException {
        String path = "/machine/peripheral-anon/device";
        add("virtserialport,nr=1");
        add("virtserialport,nr=2");
        table.remove(path + "[0]");
        add("virtserialport,nr=3");
        table.remove(path + "[1]");
        table.remove(path + "[0]");
        assertEquals(List.of("null " + path + "[0]", "null " + path + "[1]", "null " + path + "[0]"), deleted);
        assertEquals(List.of(), device.ports());
        assertThrows(DeviceNotFoundException.class, () -> table.remove(path + "[0]"));
    }

    @Test
    @DisplayName("QMP-09 a port with id is removed by that or by its path")
    void removesById() throws ConfigException {
        String path = "/machine/peripheral/p1";
        add("virtserialport,id=p1");
        assertEquals(List.of("p1"), table.ids());
        table.remove("p1");
        add("virtserialport,id=p1");
        table.remove(path);
        assertEquals(List.of("p1 " + path, "p1 " + path), deleted);
        assertEquals(
                "Device 'p1' not found",
                assertThrows(DeviceNotFoundException.class, () -> table.remove("p1"))
                        .getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "virtserialport,id=p1,foo=1,nr=x  | Duplicate device ID 'p1'",
                "virtserialport,id=1x             | Invalid qdev ID '1x'",
                "virtserialport,id=a/b            | Invalid qdev ID 'a/b'",
                "virtserialport,id=,foo=1         | Invalid qdev ID ''",
                "virtserialport,id=1x,bus=nope.0  | Bus 'nope.0' not found",
                "driver=,id=1x                    | '' is not a valid device model name",
                "virtserialport,id=p2,chardev=c   | Property 'virtserialport.chardev' can't find value 'c'",
            })
    @DisplayName("QMP-10 what is wrong first is said: device, bus, id, properties; nothing is left behind")
    void refusals(String options, String error) throws ConfigException {
        add("virtserialport,id=p1");
        assertEquals(error, refusal(options));
        assertEquals(List.of("p1"), table.ids());
        assertEquals(1, device.ports().size());
    }
}
