package org.vportd.chardev.builtin;

import java.util.List;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.backend.FileChardev;
import org.vportd.chardev.backend.NullChardev;
import org.vportd.chardev.backend.PipeChardev;
import org.vportd.chardev.backend.PtyChardev;
import org.vportd.chardev.backend.RingbufChardev;
import org.vportd.chardev.backend.StdioChardev;
import org.vportd.chardev.socket.SocketChardev;

/** All types of chardev, to be given to {@link org.vportd.chardev.Chardevs}. */
public final class BuiltinTypes {
    /** One for each name. */
    public static final List<ChardevType> ALL = List.of(
            FileChardev.TYPE,
            NullChardev.TYPE,
            PipeChardev.TYPE,
            PtyChardev.TYPE,
            RingbufChardev.TYPE,
            RingbufChardev.MEMORY_TYPE,
            SocketChardev.TYPE,
            StdioChardev.TYPE);

    private BuiltinTypes() {}
}
