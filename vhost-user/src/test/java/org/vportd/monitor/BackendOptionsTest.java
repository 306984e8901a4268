package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

class BackendOptionsTest {
    private static Options options(String type, String data) throws Exception {
        Map<?, ?> backend = QmpClient.json("{'type': '" + type + "', 'data': " + data + "}");
        BackendSchema.BACKEND.checkArguments(backend);
        return BackendOptions.of(backend);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "null     | {}                                        | backend=null",
                "null     | {'logfile': 'a,b', 'logappend': true}     | backend=null,logfile=a,,b,logappend=on",
                "null     | {'logmaxsize': 65536, 'logkeep': 3, 'logtimestamp': false} | backend=null,logmaxsize=65536,logkeep=3,logtimestamp=off",
                "file     | {'out': '/o', 'in': '/i', 'append': true} | backend=file,path=/o,input-path=/i,append=on",
                "pipe     | {'device': '/p'}                          | backend=pipe,path=/p",
                "serial   | {'device': '/dev/ttyS0'}                  | backend=serial,path=/dev/ttyS0",
                "parallel | {'device': '/dev/parport0'}               | backend=parallel,path=/dev/parport0",
                "pty      | {'path': '/l'}                            | backend=pty,path=/l",
                "stdio    | {'signal': false}                         | backend=stdio,signal=off",
                "ringbuf  | {'size': 8}                               | backend=ringbuf,size=8",
                "memory   | {}                                        | backend=memory",
                "mux      | {'chardev': 'c'}                          | backend=mux,chardev=c",
                "mux-be   | {}                                        | backend=mux-be",
                "testdev  | {}                                        | backend=testdev",
                "vc       | {'cols': 80, 'rows': 24}                  | backend=vc,cols=80,rows=24",
                "hub      | {'chardevs': ['a', 'b']}                  | backend=hub,chardevs.0=a,chardevs.1=b",
                "hub      | {'chardevs': ['a', {'id': 'b', 'slow': 'skip', 'replay': 4096}], 'writer': 'a'} | backend=hub,chardevs.0=a,chardevs.1.id=b,chardevs.1.slow=skip,chardevs.1.replay=4096,writer=a",
                "spicevmc | {'type': 'vdagent'}                       | backend=spicevmc,name=vdagent",
                "spiceport | {'fqdn': 'f'}                            | backend=spiceport,name=f",
                "dbus     | {'name': 'n'}                             | backend=dbus,name=n",
                "qemu-vdagent | {'mouse': false}                      | backend=qemu-vdagent,mouse=off",
                "udp      | {'remote': {'type': 'inet', 'data': {'host': 'h', 'port': '1'}}} | backend=udp,host=h,port=1",
                "udp      | {'remote': {'type': 'inet', 'data': {'host': 'h', 'port': '1', 'ipv6': true}}, 'local': {'type': 'inet', 'data': {'host': '', 'port': '2'}}} | backend=udp,host=h,port=1,ipv6=on,localaddr=,localport=2",
            })
    @DisplayName("CH-10 members of chardev-add become options of the command line")
    void plainTypes(String type, String data, String options) throws Exception {
        assertEquals(options, options(type, data).toString());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'addr': {'type': 'unix', 'data': {'path': '/s'}}} | path=/s,server=on,wait=off",
                "{'addr': {'type': 'unix', 'data': {'path': 's', 'abstract': true, 'tight': false}}, 'wait': true} | path=s,abstract=on,tight=off,wait=on,server=on",
                "{'addr': {'type': 'unix', 'data': {'path': '/s'}}, 'server': false} | path=/s,server=off",
                "{'addr': {'type': 'unix', 'data': {'path': '/s'}}, 'server': false, 'wait': false} | path=/s,server=off,wait=off",
                "{'addr': {'type': 'unix', 'data': {'path': '/s'}}, 'server': false, 'reconnect-ms': 200} | path=/s,server=off,reconnect-ms=200",
                "{'addr': {'type': 'inet', 'data': {'host': 'h', 'port': '0', 'to': 9, 'ipv4': true, 'ipv6': false, 'keep-alive': true, 'keep-alive-idle': 9, 'keep-alive-count': 2, 'keep-alive-interval': 1, 'numeric': true, 'mptcp': false}}, 'nodelay': true} | host=h,port=0,to=9,ipv4=on,ipv6=off,keep-alive=on,keep-alive-idle=9,keep-alive-count=2,keep-alive-interval=1,numeric=on,mptcp=off,nodelay=on,server=on,wait=off",
                "{'addr': {'type': 'vsock', 'data': {'cid': '3', 'port': '1234'}}} | cid=3,port=1234,server=on,wait=off",
                "{'addr': {'type': 'fd', 'data': {'str': 'named'}}} | fd=named,server=on,wait=off",
                "{'addr': {'type': 'fd', 'data': {'str': ''}}} | fd=,server=on,wait=off",
                "{'addr': {'type': 'unix', 'data': {'path': '/s'}}, 'telnet': true, 'tls-creds': 't', 'tls-authz': 'z'} | path=/s,telnet=on,tls-creds=t,tls-authz=z,server=on,wait=off",
            })
    @DisplayName("CH-10 a socket is a server that does not wait, unless something else is said")
    void sockets(String data, String options) throws Exception {
        assertEquals("backend=socket," + options, options("socket", data).toString());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "socket | {'addr': {'type': 'fd', 'data': {'str': '3'}}} | File descriptor named '3' has not been found",
                "udp    | {'remote': {'type': 'unix', 'data': {'path': '/s'}}} | 'remote' address of udp must be of type 'inet'",
                "udp    | {'remote': {'type': 'inet', 'data': {'host': 'h', 'port': '1', 'to': 2}}} | 'remote' address of udp has no 'to' option",
            })
    void whatTheCommandLineCannotSay(String type, String data, String error) {
        ConfigException refused = assertThrows(ConfigException.class, () -> options(type, data));
        assertEquals(error, refused.getMessage());
    }
}
