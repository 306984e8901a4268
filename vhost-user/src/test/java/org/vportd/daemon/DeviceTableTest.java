package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

class DeviceTableTest {
    private final List<String> deleted = new ArrayList<>();
    private final List<String> served = new ArrayList<>();
    private EventLoop loop;
    private Chardevs chardevs;
    private SerialDevice device;
    private DeviceTable table;

    @BeforeEach
    void open() throws Exception {
        loop = EventLoop.open();
        chardevs = BuiltinTypes.table(loop, ChardevServices.NONE);
        table = new DeviceTable(new Maker(), chardevs, (id, path) -> deleted.add(id + " " + path));
        device = table.add(DeviceConfig.byDefault()).device();
    }

    /** Makes devices, and only notes where they are to be served. */
    private final class Maker implements DeviceTable.Maker {
        private final PortNames names = new PortNames();

        @Override
        public Controller make(DeviceConfig config) throws ConfigException {
            return new Controller(loop.part(), config, false, names, (port, open) -> {});
        }

        @Override
        public void serve(Controller controller, SocketConfig where) throws StartException {
            if (String.valueOf(where.path()).startsWith("/no")) {
                throw new StartException("cannot listen on " + where);
            }
            served.add(controller.id() + " " + where);
        }
    }

    @AfterEach
    void close() {
        table.close();
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
    @DisplayName("what can be added and its properties are known, those that only this program has too")
    void knowsWhatCanBeAdded() {
        assertTrue(table.drivers().containsAll(Set.of("vhost-user-serial", "virtconsole", "virtserialport")));
        for (String port : List.of("virtconsole", "virtserialport")) {
            assertEquals(Set.of("buffer", "bus", "chardev", "id", "name", "nr"), table.keys(port));
        }
        assertTrue(table.keys("vhost-user-serial").containsAll(Set.of("id", "max_ports", "socket-path")));
        assertEquals(Set.of(), table.keys("bogus"));
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
        assertEquals(List.of("p1", "virtio-serial0"), table.ids());
        assertEquals(
                Map.of(
                        "type",
                        "virtserialport",
                        "nr",
                        1,
                        "name",
                        "",
                        "chardev",
                        "",
                        "realized",
                        true,
                        "hotpluggable",
                        true),
                table.objects().get(path));
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
        assertEquals(List.of("p1", "virtio-serial0"), table.ids());
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
                  front-end = none
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

        assertEquals(
                "virtserialport p1 \"org.a\": port 1, guest off, host on, throttle off",
                table.ports().get(0));

        table.remove("p1");
        assertEquals(List.of("virtserialport: port 16, guest off, host off, throttle off"), table.ports());
        assertEquals(List.of("virtio-serial0"), table.ids());
    }

    @Test
    @DisplayName("a device of its own is made for each guest, and ports go to the bus that they name")
    void makesDevices() throws ConfigException {
        add("vhost-user-serial,id=vm2,socket-path=/run/vm2,max_ports=2");
        assertEquals(List.of("vm2 socket-path=/run/vm2"), served);
        add("virtserialport,id=p1,bus=vm2.0,nr=1,name=org.a");
        add("virtserialport,id=p2,nr=1"); // on the first bus
        assertEquals(1, device.ports().size());
        assertEquals(List.of("p1", "p2", "virtio-serial0", "vm2"), table.ids());
        assertEquals("virtio-serial-bus: A port already exists by name org.a", refusal("virtserialport,name=org.a"));
        assertEquals("virtio-serial-bus: A port already exists at id 1", refusal("virtserialport,bus=vm2.0,nr=1"));

        table.remove("vm2");
        assertEquals(List.of("p1 /machine/peripheral/p1", "vm2 /machine/peripheral/vm2"), deleted);
        assertEquals(List.of("p2", "virtio-serial0"), table.ids());
        assertEquals("Bus 'vm2.0' not found", refusal("virtserialport,bus=vm2.0"));
        add("virtserialport,name=org.a"); // the name is free again
        add("vhost-user-serial,id=vm2,socket-path=/run/vm2");
    }

    @Test
    @DisplayName("the last device may go; ports then have nowhere to go")
    void lastDeviceMayGo() throws ConfigException {
        table.remove("virtio-serial0");
        assertEquals("No 'virtio-serial-bus' bus found for device 'virtconsole'", refusal("virtconsole"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "vhost-user-serial,socket-path=/run/b                     | Parameter 'id' is missing",
                "vhost-user-serial,id=virtio-serial0,socket-path=/run/b   | Duplicate device ID 'virtio-serial0'",
                "vhost-user-serial,id=b                                   | Parameter 'socket-path' is missing",
                "vhost-user-serial,id=b,socket-path=/run/b,nr=1           | Property 'vhost-user-serial.nr' not found",
                "vhost-user-serial,id=b,socket-path=/run/b,max_ports=0    | Maximum number of serial ports not specified",
                "vhost-user-serial,id=b,socket-path=/run/b,max_ports=512  | maximum ports supported: 511",
                "vhost-user-serial,id=b,socket-path=/no                   | cannot listen on socket-path=/no",
            })
    @DisplayName("a device that cannot be made leaves nothing behind")
    void refusedDevices(String options, String error) {
        assertEquals(error, refusal(options));
        assertEquals(List.of("virtio-serial0"), table.ids());
    }
}
