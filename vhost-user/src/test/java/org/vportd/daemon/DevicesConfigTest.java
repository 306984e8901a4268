package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.serial.ConsoleSize;
import org.vportd.serial.PortOptions;
import org.vportd.serial.SerialOptions;

class DevicesConfigTest {
    private static final SocketConfig SOCKET = SocketConfig.at("/tmp/v");

    private static DevicesConfig parse(String... devices) throws ConfigException {
        return DevicesConfig.of(options(devices), SOCKET);
    }

    private static List<Options> options(String... devices) {
        return Stream.of(devices)
                .map(device -> Options.parse(device, "driver", warning -> {}))
                .toList();
    }

    private static DeviceConfig one(String... devices) throws ConfigException {
        DevicesConfig config = parse(devices);
        assertEquals(1, config.controllers().size());
        return config.controllers().get(0);
    }

    private static String refusal(String... devices) {
        return String.valueOf(
                assertThrows(ConfigException.class, () -> parse(devices)).getMessage());
    }

    @Test
    void shouldBeQemusDefaultWhenNothingIsAskedFor() throws ConfigException {
        DeviceConfig config = one();
        assertEquals(SerialOptions.defaults(), config.serial());
        assertEquals(31, config.serial().maxPorts());
        assertTrue(config.serial().emergencyWrite());
        assertEquals(SOCKET, config.socket());
        assertEquals(List.of(), parse().ports());
    }

    @ParameterizedTest
    @ValueSource(strings = {"vhost-user-serial", "virtio-serial", "virtio-serial-pci", "virtio-serial-device"})
    void shouldDescribeDeviceWhenAnyOfItsNamesIsUsed(String driver) throws ConfigException {
        DeviceConfig config = one(
                driver + ",id=s0,max_ports=4,emergency-write=off,indirect_desc=off,event_idx=off,packed=on,in_order=on,"
                        + "status=off,inband=on,iommu_platform=on,gpa=on");
        assertEquals(new SerialOptions("s0", 4, false, false, false, true, true, ConsoleSize.OFF), config.serial());
        assertFalse(config.backend().status());
        assertTrue(config.backend().inband());
        assertTrue(config.backend().iommu());
        assertTrue(config.backend().guestAddresses());
        assertFalse(one().backend().iommu());
        assertFalse(one().backend().guestAddresses());
    }

    @ParameterizedTest
    @CsvSource({
        "size=off,OFF",
        "size=on,COLUMNS_FIRST",
        "size=on;resize-order=cols-rows,COLUMNS_FIRST",
        "resize-order=rows-cols;size=on,ROWS_FIRST"
    })
    void shouldTellSizesWhenAsked(String options, ConsoleSize how) throws ConfigException {
        assertEquals(
                how,
                one("vhost-user-serial," + options.replace(';', ',')).serial().consoleSize());
        assertEquals(ConsoleSize.OFF, one().serial().consoleSize());
    }

    @Test
    void shouldDescribePortWhenEveryKeyIsGiven() throws ConfigException {
        PortConfig port = parse("virtserialport,id=p1,bus=s0.0,chardev=c1,nr=0x2,name=org.a,,b", "virtio-serial,id=s0")
                .ports()
                .get(0);
        assertEquals(
                new PortOptions(PortOptions.Type.VIRTSERIALPORT, "p1", 2, "org.a,b", PortOptions.DEFAULT_BUFFER_BYTES),
                port.options());
        assertEquals("c1", port.chardev());
    }

    @Test
    void shouldLeaveChoiceToDeviceWhenPortSaysNothing() throws ConfigException {
        PortConfig port = parse("virtconsole").ports().get(0);
        assertEquals(PortOptions.of(PortOptions.Type.VIRTCONSOLE), port.options());
        assertEquals(PortOptions.ANY_NR, port.options().nr());
        assertNull(port.chardev());
    }

    @Test
    void shouldKeepOrderWhenThereAreManyPorts() throws ConfigException {
        DevicesConfig config = parse("virtserialport,id=b", "virtconsole,id=a", "virtio-serial", "virtserialport,id=c");
        assertEquals(
                List.of("b", "a", "c"),
                config.ports().stream()
                        .map(p -> String.valueOf(p.options().deviceId()))
                        .toList());
    }

    @ParameterizedTest
    @CsvSource({"0,0", "100,100", "100b,100", "64k,65536", "2M,2097152", "64M,67108864"})
    void shouldReadBufferWhenItIsASize(String text, int bytes) throws ConfigException {
        assertEquals(
                bytes,
                parse("virtconsole,buffer=" + text).ports().get(0).options().bufferBytes());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "id=p | Parameter 'driver' is missing",
                "nope | 'nope' is not a valid device model name",
                "virtconsole,foo=1 | Property 'virtconsole.foo' not found",
                "virtio-serial,nr=1 | Property 'virtio-serial.nr' not found",
                "virtio-serial,id=1p | Parameter 'id' expects an identifier",
                "virtio-serial,socket-path=/a,fd=3 | 'socket-path' and 'fd' are mutually exclusive",
                "virtio-serial,socket-mode=600 | 'socket-mode' option requires 'socket-path'",
                "virtio-serial,socket-path=/a,socket-mode=888 | Parameter 'socket-mode' expects an octal number up to 0777",
                "virtconsole,bus=nope.0 | Bus 'nope.0' not found",
                "virtconsole,nr=x | Parameter 'nr' expects a number",
                "virtconsole,nr=-1 | Parameter 'nr' expects a number from 0 to 4294967295",
                "virtconsole,nr=0x100000000 | Parameter 'nr' expects a number from 0 to 4294967295",
                "virtconsole,buffer=65M | Parameter 'buffer' expects a number from 0 to 67108864",
                "virtconsole,buffer=lots | Parameter 'buffer' expects a size",
                "virtconsole,id=1p | Parameter 'id' expects an identifier",
                "virtio-serial,max_ports=many | Parameter 'max_ports' expects a number",
                "virtio-serial,size=80x24 | Parameter 'size' expects 'on' or 'off'",
                "virtio-serial,resize-order=cols-rows | 'resize-order' option requires 'size=on'",
                "virtio-serial,size=on,resize-order=x | Parameter 'resize-order' expects 'cols-rows' or 'rows-cols'",
                "virtio-serial,event_idx=maybe | Parameter 'event_idx' expects 'on' or 'off'"
            })
    void shouldRefuseWhenOptionIsWrong(String deviceAndMessage) {
        List<String> parts = List.of(deviceAndMessage.split(" \\| ", 2));
        assertEquals("-device " + parts.get(0) + ": " + parts.get(1), refusal(parts.get(0)));
    }

    @Test
    void shouldRefuseWhenIdIsTaken() {
        assertEquals(
                "-device virtserialport,id=p1: Duplicate device ID 'p1'",
                refusal("virtconsole,id=p1", "virtserialport,id=p1"));
    }

    @Test
    void shouldNameTakenIdWhenPropertiesAreWrongToo() {
        assertEquals(
                "-device virtserialport,id=p1,foo=1: Duplicate device ID 'p1'",
                refusal("virtconsole,id=p1", "virtserialport,id=p1,foo=1"));
    }

    @Test
    void shouldHaveNoChardevWhenThatIsEmpty() throws ConfigException {
        assertNull(parse("virtconsole,chardev=").ports().get(0).chardev());
    }

    @Test
    void shouldServeManyDevicesWhenEachHasASocket() throws ConfigException {
        DevicesConfig config = DevicesConfig.of(
                options(
                        "virtserialport,bus=b.0,id=p",
                        "vhost-user-serial,id=a,socket-path=/a,socket-mode=0660",
                        "vhost-user-serial,id=b,fd=5,max_ports=2"),
                null);
        assertEquals(
                List.of(new SocketConfig("/a", 0660, null), new SocketConfig(null, 0600, "5")),
                config.controllers().stream().map(DeviceConfig::socket).toList());
        assertEquals("b.0", config.ports().get(0).bus());
    }

    @Test
    void shouldGiveTheSocketToTheDeviceWithoutOne() throws ConfigException {
        List<DeviceConfig> controllers = parse("vhost-user-serial,id=a,socket-path=/a", "vhost-user-serial,id=b")
                .controllers();
        assertEquals(SOCKET, controllers.get(1).socket());
    }

    @Test
    void shouldServeNothingWhenNothingIsNamed() throws ConfigException {
        assertEquals(new DevicesConfig(List.of(), List.of()), DevicesConfig.of(List.of(), null));
    }

    @Test
    void shouldRefuseWhenSocketsAndDevicesDoNotMatch() {
        assertEquals(
                "-device virtio-serial,id=b: Parameter 'socket-path' is missing",
                refusal("virtio-serial,id=a", "virtio-serial,id=b"));
        assertEquals(
                "--socket-path=/tmp/v: every -device vhost-user-serial has a socket of its own",
                refusal("virtio-serial,id=a,socket-path=/a"));
    }

    @Test
    void shouldRefuseWhenDevicesHaveTheSameId() {
        assertEquals(
                "-device virtio-serial,id=a,socket-path=/b: Duplicate device ID 'a'",
                refusal("virtio-serial,id=a", "virtio-serial,id=a,socket-path=/b"));
        assertEquals(
                "-device virtio-serial,socket-path=/b: Parameter 'id' is missing",
                refusal("virtio-serial", "virtio-serial,socket-path=/b"));
    }
}
