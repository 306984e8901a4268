package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wrong with a request, and what the client is told of it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class QmpFaultTest {
    private MonitorRig rig;
    private QmpClient client;

    @BeforeAll
    void open() throws Exception {
        rig = new MonitorRig().listen("mon");
        rig.add("null,id=taken");
        client = rig.connect("mon");
        client.line();
        client.ask("{'execute': 'qmp_capabilities', 'arguments': {'enable': ['oob']}}");
    }

    @AfterAll
    void close() throws Exception {
        rig.close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[]                                          | QMP input must be a JSON object",
                "1                                           | QMP input must be a JSON object",
                "null                                        | QMP input must be a JSON object",
                "{'execute': 'quit', 'X': 1}                 | QMP input member 'X' is unexpected",
                "{'execute': 1}                              | QMP input member 'execute' must be a string",
                "{'exec-oob': {}}                            | QMP input member 'exec-oob' must be a string",
                "{'execute': 'quit', 'arguments': []}        | QMP input member 'arguments' must be an object",
                "{'arguments': {}}                           | QMP input lacks member 'execute'",
                "{}                                          | QMP input lacks member 'execute'",
                "{'execute': 'quit', 'exec-oob': 'quit'}     | QMP input member 'exec-oob' clashes with 'execute'",
                "{'exec-oob': 'quit', 'execute': 'quit'}     | QMP input member 'execute' clashes with 'exec-oob'",
                "{'execute': 'X'}                            | CommandNotFound: The command X has not been found",
                "{'exec-oob': 'X'}                           | CommandNotFound: The command X has not been found",
                "{'execute': 'quit', 'id': 1e400}            | JSON parse error, number is too large",
                "{'exec-oob': 'quit'}                        | The command quit does not support OOB",
            })
    @DisplayName("QMP-04 requests of the wrong form")
    void form(String request, String error) {
        assertEquals(error, client.error(request + "\n")); // a number ends only where something else begins
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "chardev-remove | {}                                  | Parameter 'id' is missing",
                "chardev-remove | {'id': 'a', 'zz': 1}                | Parameter 'zz' is unexpected",
                "chardev-remove | {'id': 1}                           | Invalid parameter type for 'id', expected: string",
                "chardev-remove | {'id': null}                        | Invalid parameter type for 'id', expected: string",
                "query-version  | {'a': 1}                            | Parameter 'a' is unexpected",
                "ringbuf-read   | {'device': 'r', 'size': '1'}        | Invalid parameter type for 'size', expected: integer",
                "ringbuf-read   | {'device': 'r', 'size': 1.5}        | Invalid parameter type for 'size', expected: integer",
                "ringbuf-read   | {'device': 'r', 'size': 9223372036854775808}  | Invalid parameter type for 'size', expected: integer",
                "ringbuf-read   | {'device': 'r', 'size': -9223372036854775809} | Invalid parameter type for 'size', expected: integer",
                "ringbuf-read   | {'device': 'r', 'size': 1, 'format': 'hex'} | Parameter 'format' does not accept value 'hex'",
                "ringbuf-read   | {'device': 'r', 'size': 1, 'format': 8}     | Invalid parameter type for 'format', expected: string",
                "add_client     | {'protocol': 'x', 'fdname': 'f', 'tls': 'on'} | Invalid parameter type for 'tls', expected: boolean",
                "yank           | {'instances': {}}                    | Invalid parameter type for 'instances', expected: array",
                "yank           | {'instances': [1]}                   | Invalid parameter type for 'instances[0]', expected: object",
                "yank           | {'instances': [{'type': 'chardev', 'id': 'a'}, {'type': 'chardev'}]} | Parameter 'instances[1].id' is missing",
                "yank           | {'instances': [{'type': 'chardev', 'id': 'nope'}]} | DeviceNotFound: Instance not found",
                "yank           | {'instances': [{'type': 'bogus'}]} | Parameter 'type' does not accept value 'bogus'",
            })
    @DisplayName("QMP-04 arguments that do not fit")
    void arguments(String command, String arguments, String error) {
        assertEquals(error, client.error("{'execute': '" + command + "', 'arguments': " + arguments + "}"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "1                                       | Invalid parameter type for 'backend', expected: object",
                "{}                                      | Parameter 'backend.type' is missing",
                "{'type': 'bogus', 'data': {}}           | Parameter 'type' does not accept value 'bogus'",
                "{'type': 'console', 'data': {}}         | Parameter 'type' does not accept value 'console'",
                "{'type': 7, 'data': {}}                 | Invalid parameter type for 'backend.type', expected: string",
                "{'type': 'null'}                        | Parameter 'backend.data' is missing",
                "{'type': 'null', 'data': []}            | Invalid parameter type for 'backend.data', expected: object",
                "{'type': 'null', 'data': {'logfile': 1}} | Invalid parameter type for 'backend.data.logfile', expected: string",
                "{'type': 'null', 'data': {'logmaxsize': -1}} | Parameter 'logmaxsize' expects size",
                "{'type': 'file', 'data': {}}            | Parameter 'backend.data.out' is missing",
                "{'type': 'file', 'data': {'out': 'a', 'zz': 1}} | Parameter 'backend.data.zz' is unexpected",
                "{'type': 'file', 'data': {'out': 'a'}, 'zz': 1} | Parameter 'backend.zz' is unexpected",
                "{'type': 'file', 'data': {'out': 'a', 'append': 'on'}} | Invalid parameter type for 'backend.data.append', expected: boolean",
                "{'type': 'socket', 'data': {}}          | Parameter 'backend.data.addr' is missing",
                "{'type': 'socket', 'data': {'addr': {'type': 'tcp', 'data': {}}}} | Parameter 'type' does not accept value 'tcp'",
                "{'type': 'socket', 'data': {'addr': {'type': 'unix'}}} | Parameter 'backend.data.addr.data' is missing",
                "{'type': 'socket', 'data': {'addr': {'type': 'inet', 'data': {'host': 'h'}}}} | Parameter 'backend.data.addr.data.port' is missing",
                "{'type': 'socket', 'data': {'addr': {'type': 'inet', 'data': {'host': 'h', 'port': 1}}}} | Invalid parameter type for 'backend.data.addr.data.port', expected: string",
                "{'type': 'socket', 'data': {'addr': {'type': 'inet', 'data': {'host': 'h', 'port': '1', 'to': 65536}}}} | Parameter 'to' expects uint16_t",
                "{'type': 'socket', 'data': {'addr': {'type': 'inet', 'data': {'host': 'h', 'port': '1', 'to': -1}}}} | Parameter 'to' expects uint16_t",
                "{'type': 'hub', 'data': {'chardevs': 'a'}} | Invalid parameter type for 'backend.data.chardevs', expected: array",
                "{'type': 'hub', 'data': {'chardevs': [1]}} | Invalid parameter type for 'backend.data.chardevs[0]', expected: string",
                "{'type': 'hub', 'data': {'chardevs': ['a', {}]}} | Parameter 'backend.data.chardevs[1].id' is missing",
                "{'type': 'hub', 'data': {'chardevs': [{'id': 'a', 'slow': 'no'}]}} | Parameter 'slow' does not accept value 'no'",
            })
    @DisplayName("QMP-04 descriptions of chardevs that do not fit, to the full path")
    void backends(String backend, String error) {
        assertEquals(
                error,
                client.error("{'execute': 'chardev-add', 'arguments': {'id': 'new', 'backend': " + backend + "}}"));
    }

    @Test
    @DisplayName("QMP-04 what is wrong with the arguments is told before anything is looked for or done")
    void validationComesFirst() {
        assertEquals(
                "Parameter 'backend.data.out' is missing",
                client.error("{'execute': 'chardev-add', 'arguments': {'id': 'taken', 'backend': "
                        + "{'type': 'file', 'data': {}}}}"));
        assertEquals("Parameter 'zz' is unexpected", client.error("{'execute': 'quit', 'arguments': {'zz': 1}}"));
        assertTrue(!rig.quit);
    }
}
