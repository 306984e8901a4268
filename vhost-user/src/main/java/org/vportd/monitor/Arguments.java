package org.vportd.monitor;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The arguments of a command, which its schema has let pass. */
record Arguments(Map<?, ?> values) {
    String string(String name) {
        return string(name, "");
    }

    String string(String name, String fallback) {
        return values.get(name) instanceof String text ? text : fallback;
    }

    boolean bool(String name, boolean fallback) {
        return values.get(name) instanceof Boolean flag ? flag : fallback;
    }

    long integer(String name) {
        return values.get(name) instanceof Long number ? number : 0;
    }

    @Nullable
    Long optionalInteger(String name) {
        return values.get(name) instanceof Long number ? number : null;
    }

    @Nullable
    String optionalString(String name) {
        return values.get(name) instanceof String text ? text : null;
    }

    Map<?, ?> object(String name) {
        return values.get(name) instanceof Map<?, ?> map ? map : Map.of();
    }

    List<?> list(String name) {
        return values.get(name) instanceof List<?> list ? list : List.of();
    }
}
