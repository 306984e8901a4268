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

    @Test
    @DisplayName("QMP-09 the tree has the ports that there are, each with its state")
    void theTreeHasThePortsThatThereAre() throws Exception {
        chardevs.add(Options.parse("ringbuf,id=r", "backend", warning -> {}));
        chardevs.add(Options.parse("null,id=n", "backend", warning -> {}));
        add("virtserialport,id=p1,chardev=r,name=org.a");
        add("virtserialport,nr=16,chardev=n");

        assertEquals("""
                dev: vhost-user-serial, id "virtio-serial0"
                  max_ports = 31
                  bus: virtio-serial0.0
                    type virtio-serial-bus
                    dev: virtserialport, id "p1"
                      chardev = "r"
                      nr = 1
                      name = "org.a"
                      port 1, guest off, host on, throttle off
                    dev: virtserialport, id ""
                      chardev = "n"
                      nr = 16
                      name = ""
                      port 16, guest off, host off, throttle off
                """, String.join("\n", table.lines()) + "\n");
        assertEquals(List.of("p1"), table.ids());

        assertEquals(
                "virtserialport p1 \"org.a\": port 1, guest off, host on, throttle off",
                table.ports().get(0));

        table.remove("p1");
        assertEquals(List.of("virtserialport: port 16, guest off, host off, throttle off"), table.ports());
        assertEquals(List.of(), table.ids());
    }
}
