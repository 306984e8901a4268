package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.chardev.ConfigException;

class JsonOptionsTest {
    @Test
    @DisplayName("CH-39 a device and an object on the command line may be JSON")
    void deviceAndObject() throws ConfigException {
        assertTrue(JsonOptions.isJson("{\"driver\": \"virtconsole\"}"));
        assertFalse(JsonOptions.isJson("virtconsole,name={}"));
        assertEquals(
                "driver=virtserialport,id=p1,name=a,,b,nr=2",
                JsonOptions.device("{'driver': 'virtserialport', 'id': 'p1', 'name': 'a,b', 'nr': 2} ")
                        .toString());
        assertEquals(
                "qom-type=authz-list,id=a,rules.0.match=x,rules.0.policy=allow",
                JsonOptions.object("{'qom-type': 'authz-list', 'id': 'a', "
                                + "'rules': [{'match': 'x', 'policy': 'allow'}]}")
                        .toString());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{bad}                                         | JSON parse error, key is not a string in object",
                "{'driver': 'virtconsole'                      | JSON parse error, premature EOI",
                "{'driver': 'virtconsole'} {}                  | JSON parse error, expecting one object",
                "{}                                            | Parameter 'driver' is missing",
                "{'driver': 'virtconsole', 'nr': 0.5}          | Invalid parameter type for 'nr', expected: integer",
            })
    @DisplayName("CH-39 JSON that is wrong or does not fit is refused in the words of QMP")
    void refusals(String device, String error) {
        assertEquals(
                error,
                assertThrows(ConfigException.class, () -> JsonOptions.device(device))
                        .getMessage());
    }
}
