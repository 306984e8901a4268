package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.ConfigException;
import picocli.CommandLine;

class BackendArgumentsTest {
    private static BackendArguments.Parsed parse(String... args) throws ConfigException {
        return CommandLine.populateCommand(new BackendArguments(), args).parse();
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
