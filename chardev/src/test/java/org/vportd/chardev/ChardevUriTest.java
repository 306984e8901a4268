package org.vportd.chardev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChardevUriTest {
    private final List<String> warnings = new ArrayList<>();

    private ChardevUri.Made made(String uri) throws ConfigException {
        return assertInstanceOf(ChardevUri.Made.class, ChardevUri.parse(uri, "serial0", warnings::add));
    }

    @ParameterizedTest
    @DisplayName("CH-40 the short forms and what they stand for")
    @CsvSource(
            delimiter = ' ',
            value = {
                "null backend=null",
                "pty backend=pty",
                "stdio backend=stdio",
                "msmouse backend=msmouse",
                "wctablet backend=wctablet",
                "braille backend=braille",
                "testdev backend=testdev",
                "vc backend=vc",
                "vc:800x600 backend=vc,width=800,height=600",
                "vc:80Cx24C backend=vc,cols=80,rows=24",
                "file:/a/b backend=file,path=/a/b",
                "file:/a,b,server=on backend=file,path=/a,,b,,server=on",
                "file: backend=file,path=",
                "pipe:/a,,b backend=pipe,path=/a,,,,b",
                "pty:/run/x backend=pty,path=/run/x",
                "tcp:h:1 backend=socket,host=h,port=1",
                "tcp::1 backend=socket,host=,port=1",
                "tcp::1,server=on,wait=off backend=socket,server=on,wait=off,host=,port=1",
                "tcp:[::1]:1,server=on backend=socket,server=on,host=::1,port=1",
                "telnet:h:1,server=on backend=socket,server=on,host=h,port=1,telnet=on",
                "tn3270:h:1 backend=socket,host=h,port=1,tn3270=on",
                "websocket:h:1,server=on backend=socket,server=on,host=h,port=1,websocket=on",
                "udp:h:1 backend=udp,host=h,port=1",
                "udp::1 backend=udp,host=,port=1",
                "udp:h:1@l:2 backend=udp,host=h,port=1,localaddr=l,localport=2",
                "udp::1@:2 backend=udp,host=,port=1,localaddr=,localport=2",
                "udp:[fe80::1]:1@[::]:2 backend=udp,host=fe80::1,port=1,localaddr=::,localport=2",
                "unix:/a,,b,server=on backend=socket,path=/a,,b,server=on",
                "unix:/a backend=socket,path=/a",
                "unix:/a=b,server=on backend=socket,path=/a=b,server=on",
                "unix:path=/a backend=socket,path=/a",
                "/dev/parport0 backend=parallel,path=/dev/parport0",
                "/dev/ppi1 backend=parallel,path=/dev/ppi1",
                "/dev/ttyS0 backend=serial,path=/dev/ttyS0",
                "COM1 backend=serial,path=COM1",
                "con: backend=console",
            })
    void shouldReadShortForms(String uri, String options) throws ConfigException {
        ChardevUri.Made made = made(uri);

        assertEquals(options + ",id=serial0", made.options().toString());
        assertFalse(made.hasMonitor());
        assertEquals(made.options(), made.optionsWithoutMonitor());
    }

    @ParameterizedTest
    @DisplayName("CH-40 what is no short form")
    @ValueSource(
            strings = {
                "",
                "bogus",
                "bogus:x",
                "nullx",
                "tcp",
                "tcp:",
                "tcp:h",
                "tcp:h:",
                "tcp:::1:5",
                "tcp:[::1]5",
                "tcp:[::1:5",
                "udp:",
                "udp:h:1@",
                "udp:h:1,x=y",
                "vc:",
                "vc:80",
                "vc:80Cx24",
                "vc:12345678x1",
                "vcx",
                "mon:chardev:c"
            })
    void shouldRefuseWhatIsNoShortForm(String uri) {
        ConfigException refused =
                assertThrows(ConfigException.class, () -> ChardevUri.parse(uri, "serial0", warnings::add));

        assertEquals("'" + uri.replace("mon:", "") + "' is not a valid char driver", refused.getMessage());
        assertTrue(refused.hint().startsWith("there are: null, pty"), refused.hint());
    }

    @Test
    @DisplayName("CH-40 mon: has a monitor share it; with stdio, Ctrl-C is the guest's")
    void shouldShareWithMonitor() throws ConfigException {
        ChardevUri.Made stdio = made("mon:stdio");
        assertEquals(
                "backend=stdio,id=serial0,mux=on,signal=off", stdio.options().toString());
        assertTrue(stdio.hasMonitor());
        assertEquals(
                "backend=socket,path=/a,server=on,id=serial0,mux=on",
                made("mon:unix:/a,server=on").options().toString());
        ConfigException refused = assertThrows(ConfigException.class, stdio::optionsWithoutMonitor);
        assertEquals("mon: isn't supported in this context", refused.getMessage());
    }

    @Test
    @DisplayName("CH-40 chardev:ID is one that exists")
    void shouldReferToChardev() throws ConfigException {
        assertEquals(new ChardevUri.Existing("c0"), ChardevUri.parse("chardev:c0", "serial0", warnings::add));
    }

    @Test
    @DisplayName("CH-40 options after the address are those of -chardev, but neither type nor id")
    void shouldWarnOfShortBooleansAndKeepTypeAndId() throws ConfigException {
        Options options = made("unix:/a,server,nowait,id=x,backend=file").options();

        assertEquals("backend=socket,path=/a,server=on,wait=off,id=serial0", options.toString());
        assertEquals(2, warnings.size());
    }
}
