package org.vportd.chardev.builtin;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.Options;
import org.vportd.chardev.OutputLog;
import org.vportd.chardev.backend.FileChardev;
import org.vportd.chardev.backend.NullChardev;
import org.vportd.chardev.backend.PipeChardev;
import org.vportd.chardev.backend.PtyChardev;
import org.vportd.chardev.backend.RingbufChardev;
import org.vportd.chardev.backend.StdioChardev;
import org.vportd.chardev.backend.UdpChardev;
import org.vportd.chardev.socket.SocketChardev;
import org.vportd.loop.EventLoop;

/** All types of chardev, and tables of them. */
public final class BuiltinTypes {
    /** One for each name. */
    private static final List<ChardevType> ALL = List.of(
            FileChardev.TYPE,
            NullChardev.TYPE,
            PipeChardev.TYPE,
            PtyChardev.TYPE,
            RingbufChardev.TYPE,
            RingbufChardev.MEMORY_TYPE,
            SocketChardev.TYPE,
            StdioChardev.TYPE,
            UdpChardev.TYPE);

    private static final OutputLog.Type NO_LOG = new OutputLog.Type() {
        @Override
        public Set<String> keys() {
            return Set.of();
        }

        @Override
        public @Nullable OutputLog open(EventLoop loop, String id, Options options) {
            return null;
        }
    };

    private BuiltinTypes() {}

    /** Makes an empty table of chardevs that can be of any of these types. */
    public static Chardevs table(EventLoop loop, ChardevServices services) {
        return new Chardevs(loop, ALL, NO_LOG, services);
    }
}
