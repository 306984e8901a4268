package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.Options;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.loop.EventLoop;
import org.vportd.serial.PortNames;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialOptions;

class DeviceTableTest {
    private static Options options(String text, String impliedKey) {
        return Options.parse(text, impliedKey, warning -> {});
    }

    @Test
    @DisplayName("QMP-09 the tree has the ports that there are, each with its state")
    void theTreeHasThePortsThatThereAre() throws Exception {
        try (EventLoop loop = EventLoop.open();
                Chardevs chardevs = BuiltinTypes.table(loop, ChardevServices.NONE);
                SerialDevice device =
                        new SerialDevice(loop, SerialOptions.defaults(), new PortNames(), (port, open) -> {})) {
            chardevs.add(options("ringbuf,id=r", "backend"));
            chardevs.add(options("null,id=n", "backend"));
            DeviceTable devices = new DeviceTable(device, chardevs, id -> {});
            devices.add(options("virtserialport,id=p1,chardev=r,name=org.a", "driver"));
            devices.add(options("virtserialport,nr=16,chardev=n", "driver"));

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
                    """, String.join("\n", devices.lines()) + "\n");
            assertEquals(List.of("p1"), devices.ids());

            assertEquals(
                    "virtserialport p1 \"org.a\": port 1, guest off, host on, throttle off",
                    devices.ports().get(0));

            devices.remove("p1");
            assertEquals(List.of("virtserialport: port 16, guest off, host off, throttle off"), devices.ports());
            assertEquals(List.of(), devices.ids());
        }
    }
}
