package org.vportd.monitor;

import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTimer;

/**
 * Makes events and lets through as many as clients shall get: of those that are limited, the first of an id at once; then,
 * for a second, only the latest is kept, which goes out at the end of that second and begins another.
 */
final class EventQueue implements AutoCloseable {
    static final long WINDOW_NS = TimeUnit.SECONDS.toNanos(1);

    private final EventLoop loop;
    private final InstantSource clock;
    private final Consumer<Map<String, Object>> listener;
    private final Map<String, Window> windows = new HashMap<>();

    private static final class Window {
        private final LoopTimer timer;
        private @Nullable Map<String, Object> latest;

        Window(EventLoop loop, Runnable atEnd) {
            timer = loop.timer(atEnd);
        }
    }

    /**
     * Makes an empty one.
     *
     * @param clock for the time that is in the events
     * @param listener gets each event when its time has come
     */
    EventQueue(EventLoop loop, InstantSource clock, Consumer<Map<String, Object>> listener) {
        this.loop = loop;
        this.clock = clock;
        this.listener = listener;
    }

    void emit(EventType type, Map<String, Object> data) {
        Map<String, Object> event = event(type, data);
        if (!type.limitedById()) {
            listener.accept(event);
            return;
        }
        String key = type.name() + "/" + data.get("id");
        Window open = windows.get(key);
        if (open != null) {
            open.latest = event;
            return;
        }
        Window window = new Window(loop, () -> ended(key));
        windows.put(key, window);
        window.timer.start(WINDOW_NS);
        listener.accept(event);
    }

    private void ended(String key) {
        Window window = windows.get(key);
        if (window == null) {
            return;
        }
        Map<String, Object> event = window.latest;
        if (event == null) {
            windows.remove(key);
            return;
        }
        window.latest = null;
        window.timer.start(WINDOW_NS);
        listener.accept(event);
    }

    private Map<String, Object> event(EventType type, Map<String, Object> data) {
        Instant now = clock.instant();
        Map<String, Object> timestamp = Members.of(
                "seconds", now.getEpochSecond(), "microseconds", TimeUnit.NANOSECONDS.toMicros(now.getNano()));
        return Members.of("timestamp", timestamp, "event", type.name(), "data", data);
    }

    @Override
    public void close() {
        windows.values().forEach(window -> window.timer.cancel());
        windows.clear();
    }
}
