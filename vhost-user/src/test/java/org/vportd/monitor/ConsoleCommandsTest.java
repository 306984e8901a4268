package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.chardev.ConfigException;

class ConsoleCommandsTest extends CommandFixture {
    private static final String LENGTH = " expects an integer from 1 to 65535";

    private static String resize(String arguments) {
        return command("console-resize", "{" + arguments + "}");
    }

    private String human(String line) {
        return String.valueOf(client.result(command("human-monitor-command", "{'command-line': '" + line + "'}")));
    }

    @Test
    @DisplayName("VS-41 console-resize finds the console by id or by its port's number")
    void resizesById() {
        assertEquals(EMPTY, client.ask(resize("'id': 'p1', 'cols': 132, 'rows': 43")));
        assertEquals(EMPTY, client.ask(resize("'port': 0, 'cols': 65535, 'rows': 1")));
        assertEquals(List.of("resize p1 132x43", "resize port 0 65535x1"), rig.asked);
    }

    @ParameterizedTest
    @DisplayName("QMP-04 console-resize says what is wrong")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "'cols': 80, 'rows': 24 | one of 'id' and 'port' is required",
                "'id': 'p1', 'port': 1, 'cols': 80, 'rows': 24 | 'id' and 'port' are mutually exclusive",
                "'id': 'x', 'cols': 80, 'rows': 24 | DeviceNotFound: Device 'x' not found",
                "'id': 'p1', 'rows': 24 | Parameter 'cols' is missing",
                "'id': 'p1', 'cols': 80, 'rows': 0 | Parameter 'rows'" + LENGTH,
                "'id': 'p1', 'cols': 65536, 'rows': 24 | Parameter 'cols'" + LENGTH,
                "'id': 'p1', 'cols': -1, 'rows': 24 | Parameter 'cols'" + LENGTH
            })
    void refuses(String arguments, String error) {
        assertEquals(error, client.error(resize(arguments)));
        assertEquals(List.of(), rig.asked);
    }

    @Test
    void passesRefusalsOn() {
        rig.refusal = new ConfigException("port 1 is not a console");
        assertEquals("port 1 is not a console", client.error(resize("'port': 1, 'cols': 80, 'rows': 24")));
    }

    @Test
    @DisplayName("VS-41 console_resize does the same for people")
    void resizesForPeople() {
        assertEquals("", human("console_resize p1 80 24"));
        assertEquals("", human("console_resize 3 90 25"));
        assertEquals(List.of("resize p1 80x24", "resize port 3 90x25"), rig.asked);
        assertEquals("Error: Device 'x' not found\r\n", human("console_resize x 80 24"));
        assertEquals("Error: Parameter 'rows'" + LENGTH + "\r\n", human("console_resize p1 80 0"));
        assertEquals(
                "invalid char 'w' in expression\r\nTry \"help console_resize\" for more information\r\n",
                human("console_resize p1 wide 24"));
    }
}
