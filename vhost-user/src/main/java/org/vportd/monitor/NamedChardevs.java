package org.vportd.monitor;

import org.vportd.chardev.Chardev;
import org.vportd.chardev.Chardevs;

/** Finds the chardevs that commands name. */
final class NamedChardevs {
    private NamedChardevs() {}

    /** The chardev of an id. */
    static Chardev find(Chardevs chardevs, String id) throws QmpException {
        Chardev chardev = chardevs.find(id);
        if (chardev == null) {
            throw new QmpException("Chardev '" + id + "' not found");
        }
        return chardev;
    }

    /**
     * The chardev of an id, for a command that one type only has.
     *
     * @param typeName what the type is called in the refusal of others
     */
    static <T extends Chardev> T device(Chardevs chardevs, String id, Class<T> type, String typeName)
            throws QmpException {
        Chardev chardev = chardevs.find(id);
        if (chardev == null) {
            throw new QmpException("Device '" + id + "' not found");
        }
        if (!type.isInstance(chardev)) {
            throw new QmpException(id + " is not a " + typeName + " device");
        }
        return type.cast(chardev);
    }
}
