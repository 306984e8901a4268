package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.monitor.line.Completion;

class HumanCompleterTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '§',
            value = {
                "chardev-; chardev-add chardev-change chardev-remove chardev-send-break",
                "q; q quit",
                "help ring; ringbuf_read ringbuf_write",
                "info h; hub",
                "  info  ch; chardev chardev-backends",
                "info hub x;",
                "chardev-remove_; h pty0 r",
                "chardev-change p; pty0",
                "ringbuf_read_; r",
                "ringbuf_read r_;",
                "hub-add_; h",
                "hub-add h p; pty0",
                "device_del_; p1",
                "chardev-add ri; ringbuf,",
                "chardev-change r pi; pipe,",
                "chardev-add ringbuf,s; size=",
                "chardev-add ringbuf,size=4,s;",
                "chardev-add ringbuf,id=x,m; mux-be-id= mux=",
                "chardev-add mux,id=m,chardev=; h pty0 r",
                "chardev-add hub,id=m,chardevs.0=r,chardevs.1=p; pty0",
                "device_add virtserialport,chardev=p; pty0",
                "device_add virt; virtconsole, virtserialport,",
                "device_add virtserialport,n; name= nr=",
                "device_add virtconsole,b; buffer= bus=",
                "device_add vh; vhost-user-serial,",
                "device_add vhost-user-serial,m; max_ports=",
                "device_add bogus,b;",
                "object_add tls; tls-creds-x509,",
                "object_add secret,f; file= format=",
                "help info chardev; chardev chardev-backends",
                "bogus x;",
                "quit_;"
            })
    void completesWhatCanFollow(String text, String candidates) throws Exception {
        try (MonitorRig rig = new MonitorRig()) {
            rig.add("ringbuf,id=r");
            rig.add("pty,id=pty0");
            rig.add("mux-be,id=h");

            Completion completion = rig.monitors.human().completer().complete(text.replaceFirst("_$", " "));
            assertEquals(candidates == null ? "" : candidates, String.join(" ", completion.candidates()));
        }
    }
}
