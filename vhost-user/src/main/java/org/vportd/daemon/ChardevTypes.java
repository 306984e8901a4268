package org.vportd.daemon;

import java.util.List;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.backend.NullChardev;

/** The types of character devices that the program knows. */
final class ChardevTypes {
    static final List<ChardevType> ALL = List.of(NullChardev.TYPE);

    private ChardevTypes() {}
}
