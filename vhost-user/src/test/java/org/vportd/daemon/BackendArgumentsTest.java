package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.chardev.ConfigException;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

class BackendArgumentsTest {
    private static BackendArguments.Parsed parse(String... args) throws ConfigException {
        CommandSpec spec = CommandSpec.create();
        BackendArguments.options().forEach(spec::addOption);
        return new BackendArguments(new CommandLine(spec).parseArgs(args)).parse();
    }

    @Test
    @DisplayName("QMP-01 a monitor may be an object, as in newer QEMU")
    void monitorObjects() throws Exception {
        BackendArguments.Parsed parsed =
                parse("-object", "monitor-qmp,id=m,chardev=a,pretty=on", "-object", "monitor-hmp,id=h,chardev=b");
        assertEquals(List.of(), parsed.objects());
        MonitorConfig qmp = parsed.monitors().get(0);
        assertEquals("a CONTROL true", qmp.chardev() + " " + qmp.mode() + " " + qmp.pretty());
        assertEquals(
                "b READLINE",
                parsed.monitors().get(1).chardev() + " "
                        + parsed.monitors().get(1).mode());
        assertEquals("Parameter 'chardev' is missing", refusal("monitor-qmp,id=m"));
        assertEquals("Parameter 'id' is missing", refusal("monitor-hmp,chardev=a"));
        assertEquals("Invalid parameter 'pretty'", refusal("monitor-hmp,id=m,chardev=a,pretty=on"));
        assertEquals(
                "Parameter 'close-action' does not accept value 'x'",
                refusal("monitor-qmp,id=m,chardev=a,close-action=x"));
        assertEquals("Parameter 'chardev' is missing", refusal("{\"qom-type\":\"monitor-qmp\",\"id\":\"m\"}"));
        MonitorConfig json = parse(
                        "-object", "{\"qom-type\":\"monitor-qmp\",\"id\":\"j\",\"chardev\":\"c\",\"pretty\":true}")
                .monitors()
                .get(0);
        assertEquals(
                "j c CONTROL true", json.objectId() + " " + json.chardev() + " " + json.mode() + " " + json.pretty());
        assertEquals("'readline' cannot be switched off", refusal("monitor-hmp,id=m,chardev=a,readline=off"));
    }

    private static String refusal(String object) {
        String message = String.valueOf(assertThrows(ConfigException.class, () -> parse("-object", object))
                .getMessage());
        return message.replaceFirst("^-object [^ ]*: ", ""); // says which object as well
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "set=1           | fd option is required and must be non-negative",
                "fd=-1,set=1     | fd option is required and must be non-negative",
                "fd=1,set=1      | fd cannot be a standard I/O stream",
                "fd=65000,set=1  | fd is not valid or already in use",
                "fd=x,set=1      | Parameter 'fd' expects a number",
                "fd=9,set=1,a=b  | Invalid parameter 'a'",
            })
    @DisplayName("QMP-13 -add-fd that makes no sense is refused in the words of QEMU")
    void passedDescriptors(String options, String error) {
        ConfigException refused = assertThrows(ConfigException.class, () -> parse("-add-fd", options));
        assertEquals("-add-fd " + options + ": " + error, refused.getMessage());
    }

    @Test
    void shouldRememberWhatUserWroteWhenFormIsShort() throws ConfigException {
        BackendArguments.Parsed parsed =
                parse("-chardev", "null,id=a", "-mon", "a", "-virtioconsole", "mon:null", "-qmp", "chardev:b");
        assertEquals(
                List.of("-chardev null,id=a", "-virtioconsole mon:null"),
                parsed.chardevs().stream().map(ChardevConfig::source).toList());
        assertEquals(
                List.of("-mon a", "-virtioconsole mon:null", "-qmp chardev:b"),
                parsed.monitors().stream().map(MonitorConfig::source).toList());
    }

    @Test
    void shouldReadDevicesAndObjectsWhenTheyAreJson() throws ConfigException {
        BackendArguments.Parsed parsed = parse(
                "-device",
                "{\"driver\": \"virtserialport\", \"id\": \"p1\", \"chardev\": \"c\"}",
                "-object",
                "{\"qom-type\": \"secret\", \"id\": \"s\", \"data\": \"x\"}");
        assertEquals("c", parsed.devices().get(0).string("chardev"));
        assertEquals("qom-type=secret,id=s,data=x", parsed.objects().get(0).toString());
    }
}
