package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.secure.UserObjects;
import org.vportd.posix.Fd;
import org.vportd.posix.UnixAddress;

class DeviceCommandsTest extends CommandFixture {
    @BeforeEach
    void open() throws Exception {
        rig.skip(2 * EventQueue.WINDOW_NS);
        client.rest();
    }

    @Test
    @DisplayName("QMP-09 device_add passes all properties on, in their order")
    void deviceAdd() {
        assertEquals(
                EMPTY,
                client.ask(command(
                        "device_add",
                        "{'driver': 'virtserialport', 'id': 'ch0', 'bus': 'vs0.0', 'name': 'a,b', 'nr': 1, "
                                + "'logbuf': true, 'x': 1.5}")));
        assertEquals(List.of("add driver=virtserialport,id=ch0,bus=vs0.0,name=a,,b,nr=1,logbuf=on,x=1.5"), rig.asked);
    }

    @Test
    @DisplayName("QMP-09 properties within others become dotted keys, up to a limit")
    void nestedProperties() {
        String nested = "{'driver': 'd', 'a': {'b': [1, {'c': null}]}}";
        assertEquals(EMPTY, client.ask(command("device_add", nested)));
        assertEquals(List.of("add driver=d,a.b.0=1,a.b.1.c="), rig.asked);
        String wide = "{'driver': 'd', '" + "x".repeat(10_000) + "': [1" + ", 1".repeat(200) + "]}";
        assertEquals("options are too long: limit=1048576 characters", client.error(command("device_add", wide)));
    }

    @Test
    @DisplayName("QMP-09 device_del: event with device and path; class DeviceNotFound for an unknown id")
    void deviceDel() {
        client.send(command("device_del", "{'id': 'p1'}"));
        assertTrue(client.event().toString().contains("{device=p1, path=/machine/peripheral/p1}"));
        assertEquals(EMPTY, client.response());
        assertEquals("DeviceNotFound: Device 'x' not found", client.error(command("device_del", "{'id': 'x'}")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'nope' is not a valid device model name",
                "Bus 'nope.0' not found",
                "Duplicate device ID 'p1'",
                "Property 'virtserialport.foo' not found"
            })
    @DisplayName("QMP-10 refusals of device_add reach the client to the letter, hints do not")
    void deviceAddErrors(String refusal) {
        assertEquals("Parameter 'driver' is missing", client.error(command("device_add", "{}")));
        rig.refusal = new ConfigException(refusal, "what a person might want to know");
        assertEquals(refusal, client.error(command("device_add", "{'driver': 'virtserialport'}")));
        assertEquals(List.of(), rig.asked);
    }

    @Test
    void objects() {
        assertEquals(
                EMPTY,
                client.ask(command(
                        "object-add",
                        "{'qom-type': 'tls-creds-x509', 'id': 't0', 'dir': '/etc/x', 'verify-peer': false}")));
        assertEquals(EMPTY, client.ask(command("object-del", "{'id': 't0'}")));
        assertEquals(List.of("object tls-creds-x509 t0 dir=/etc/x,verify-peer=off", "no object t0"), rig.asked);
        rig.refusal = new ConfigException("object 'x' not found");
        assertEquals("object 'x' not found", client.error(command("object-del", "{'id': 'x'}")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'chardev': 1         | Invalid parameter type for 'chardev', expected: string",
                "'chardev': {'a': 1}  | Invalid parameter type for 'chardev', expected: string",
                "'name': null         | Invalid parameter type for 'name', expected: string",
                "'name': ['a']        | Invalid parameter type for 'name', expected: string",
                "'nr': [1]            | Invalid parameter type for 'nr', expected: integer",
                "'nr': -1             | Parameter 'nr' expects uint32_t",
                "'nr': 4294967296     | Parameter 'nr' expects uint32_t",
            })
    @DisplayName("QMP-10 device_add: properties have the types of the device")
    void propertyTypes(String property, String error) {
        assertEquals(error, client.error(command("device_add", "{'driver': 'virtserialport', " + property + "}")));
        assertEquals(List.of(), rig.asked);
    }

    @Test
    @DisplayName("QMP-10 device_add: a number may be text, as older clients have it")
    void numberAsText() {
        assertEquals(EMPTY, client.ask(command("device_add", "{'driver': 'virtserialport', 'nr': '1'}")));
        assertEquals(List.of("add driver=virtserialport,nr=1"), rig.asked);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{}                                            | Parameter 'qom-type' is missing",
                "{'qom-type': 'x'}                             | Parameter 'qom-type' does not accept value 'x'",
                "{'qom-type': 'secret'}                        | Parameter 'id' is missing",
                "{'qom-type': 'secret', 'id': 's', 'data': 1}  | Invalid parameter type for 'data', expected: string",
                "{'qom-type': 'secret', 'id': 's', 'dir': '/'} | Parameter 'dir' is unexpected",
                "{'qom-type': 'tls-creds-x509', 'id': 't', 'verify-peer': 'no'}"
                        + "| Invalid parameter type for 'verify-peer', expected: boolean",
                "{'qom-type': 'authz-list', 'id': 'a', 'rules': 'x'}"
                        + "| Invalid parameter type for 'rules', expected: array",
                "{'qom-type': 'authz-list', 'id': 'a', 'rules': [{'match': 'x'}]}"
                        + "| Parameter 'rules[0].policy' is missing",
                "{'qom-type': 'authz-list', 'id': 'a', 'rules': [{'match': 'x', 'policy': 'maybe'}]}"
                        + "| Parameter 'policy' does not accept value 'maybe'",
            })
    @DisplayName("QMP-04 object-add: arguments have the types of the object")
    void objectTypes(String arguments, String error) {
        assertEquals(error, client.error(command("object-add", arguments)));
        assertEquals(List.of(), rig.asked);
    }

    @Test
    @DisplayName("QMP-16 the schema describes every type of object, and each of its options")
    void allObjectsDescribed() {
        Set<String> types = new TreeSet<>(UserObjects.typeNames());
        types.addAll(Set.of("monitor-hmp", "monitor-qmp"));
        assertEquals(types, ObjectSchema.OPTIONS.variants().keySet());
        for (String type : UserObjects.typeNames()) {
            Set<String> described = new TreeSet<>();
            Objects.requireNonNull(ObjectSchema.OPTIONS.variants().get(type))
                    .members()
                    .forEach(member -> described.add(member.name()));
            Set<String> options = new TreeSet<>();
            UserObjects.keys(type).forEach(key -> options.add(key.split("\\.", -1)[0]));
            assertEquals(options, described);
        }
    }

    @Test
    void yank() throws Exception {
        rig.add("socket,id=s,server=on,wait=off,path=" + rig.path("s"));
        rig.add("null,id=n");
        assertEquals(
                "{\"return\": [{\"type\": \"chardev\", \"id\": \"mon\"}, {\"type\": \"chardev\", \"id\": \"s\"}]}",
                client.ask("{'execute': 'query-yank'}"));
        String both = "{'instances': [{'type': 'chardev', 'id': 's'}, {'type': 'chardev', 'id': 'n'}]}";
        assertEquals("DeviceNotFound: Instance not found", client.error(command("yank", both)));
        try (Fd peer = UnixAddress.ofPath(rig.path("s")).connect()) {
            Chardev socket = rig.chardevs.find("s");
            rig.until("connected", () -> socket != null && socket.isOpen());
            assertEquals("DeviceNotFound: Instance not found", client.error(command("yank", both)));
            assertTrue(socket != null && socket.isOpen());
            assertEquals(EMPTY, client.ask(command("yank", both.replace("'n'", "'s'"))));
            assertFalse(socket != null && socket.isOpen());
            assertTrue(peer.isOpen());
        }
    }

    @Test
    void propertiesOfSockets() throws Exception {
        rig.add("null,id=n");
        assertEquals(
                "{\"return\": true}",
                client.ask(command("qom-get", "{'path': '/chardevs/mon', 'property': 'connected'}")));
        assertEquals(
                Map.of("type", "unix", "path", rig.path("mon"), "abstract", false, "tight", true),
                client.result(command("qom-get", "{'path': '/chardevs/mon', 'property': 'addr'}")));
        assertEquals(
                "DeviceNotFound: Device '/chardevs/x' not found",
                client.error(command("qom-get", "{'path': '/chardevs/x', 'property': 'addr'}")));
        assertEquals(
                "Property 'chardev-null.addr' not found",
                client.error(command("qom-get", "{'path': '/chardevs/n', 'property': 'addr'}")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/                       | type string, machine child<container>, chardevs child<container>,"
                        + " objects child<container>",
                "/machine/peripheral     | type string, p1 child<virtserialport>",
                "peripheral-anon         | type string",
                "//machine/peripheral/p1/| type string, nr uint32",
                "/chardevs               | type string, mon child<chardev-socket>, a/b child<chardev-null>",
                "/chardevs/a/b           | type string",
                "/objects                | type string, sec0 child<secret>",
            })
    @DisplayName("QMP-16 qom-list shows devices, chardevs and objects where QEMU has them")
    void listsOfObjects(String path, String expected) throws Exception {
        rig.chardevs.add("a/b", Options.of(Map.of("backend", "null")));
        List<?> infos =
                (List<?>) Objects.requireNonNull(client.result(command("qom-list", "{'path': '" + path + "'}")));
        assertEquals(
                expected,
                infos.stream()
                        .map(info -> ((Map<?, ?>) info).get("name") + " " + ((Map<?, ?>) info).get("type"))
                        .collect(Collectors.joining(", ")));
    }

    @Test
    @DisplayName("QMP-16 qom-list and qom-get: a part of a path does if it means one object only")
    void partsOfPaths() {
        assertEquals("virtserialport", client.result(command("qom-get", "{'path': 'p1', 'property': 'type'}")));
        assertEquals(1L, client.result(command("qom-get", "{'path': 'peripheral/p1', 'property': 'nr'}")));
        assertEquals("Path '' is ambiguous", client.error(command("qom-list", "{'path': ''}")));
        assertEquals("DeviceNotFound: Device 'x' not found", client.error(command("qom-list", "{'path': 'x'}")));
        assertEquals("DeviceNotFound: Device '/p1' not found", client.error(command("qom-list", "{'path': '/p1'}")));
    }
}
