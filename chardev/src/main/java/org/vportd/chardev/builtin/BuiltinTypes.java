package org.vportd.chardev.builtin;

import java.util.List;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.backend.FileChardev;
import org.vportd.chardev.backend.NullChardev;
import org.vportd.chardev.backend.ParallelChardev;
import org.vportd.chardev.backend.PipeChardev;
import org.vportd.chardev.backend.PtyChardev;
import org.vportd.chardev.backend.RingbufChardev;
import org.vportd.chardev.backend.SerialChardev;
import org.vportd.chardev.backend.StdioChardev;
import org.vportd.chardev.backend.TestdevChardev;
import org.vportd.chardev.backend.UdpChardev;
import org.vportd.chardev.console.VcChardev;
import org.vportd.chardev.mux.HubChardev;
import org.vportd.chardev.mux.MuxChardev;
import org.vportd.chardev.record.FileLog;
import org.vportd.chardev.socket.SocketChardev;
import org.vportd.loop.EventLoop;

/** All types of chardev, and tables of them. */
public final class BuiltinTypes {
    /** One for each name. */
    private static final List<ChardevType> ALL = List.of(
            FileChardev.TYPE,
            HubChardev.TYPE,
            HubChardev.MUX_BE_TYPE,
            MuxChardev.TYPE,
            NullChardev.TYPE,
            ParallelChardev.TYPE,
            PipeChardev.TYPE,
            PtyChardev.TYPE,
            RingbufChardev.TYPE,
            RingbufChardev.MEMORY_TYPE,
            SerialChardev.TYPE,
            SocketChardev.TYPE,
            StdioChardev.TYPE,
            TestdevChardev.TYPE,
            UdpChardev.TYPE,
            VcChardev.TYPE);

    private BuiltinTypes() {}

    /** Makes an empty table of chardevs that can be of any of these types. */
    public static Chardevs table(EventLoop loop, ChardevServices services) {
        return new Chardevs(loop, ALL, FileLog.TYPE, services);
    }
}
