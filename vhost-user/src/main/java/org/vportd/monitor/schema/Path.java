package org.vportd.monitor.schema;

import org.jspecify.annotations.Nullable;

/** Where in the arguments a value is: {@code backend.data.chardevs[0]}. Built on the way down, spelled only for an error. */
final class Path {
    /** The arguments themselves. */
    static final Path ROOT = new Path(null, "", false);

    private final @Nullable Path parent;
    private final String step;
    private final boolean element;

    private Path(@Nullable Path parent, String step, boolean element) {
        this.parent = parent;
        this.step = step;
        this.element = element;
    }

    Path member(String name) {
        return new Path(this, name, false);
    }

    Path element(int index) {
        return new Path(this, "[" + index + "]", true);
    }

    /** The name of the member; {@code null}, the word, for an element of a list, as QEMU has it. */
    String last() {
        return element || this == ROOT ? "null" : step;
    }

    @Override
    public String toString() {
        if (parent == null) {
            return "null";
        }
        return parent == ROOT || element ? (parent == ROOT ? "" : parent) + step : parent + "." + step;
    }
}
