package org.vportd.daemon;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.vportd.loop.EventLoop;

/**
 * Brings what happens to devices and chardevs from their threads to that of the monitors. Of what has not been told yet only
 * the latest is kept for each thing, so nobody has to wait and nothing piles up. Any thread.
 */
final class EventRelay {
    private final EventLoop loop;
    private final Thread owner = Thread.currentThread();
    private final Map<String, Runnable> waiting = new LinkedHashMap<>();

    /**
     * Makes one.
     *
     * @param loop of the thread that calls this, where everything is told
     */
    EventRelay(EventLoop loop) {
        this.loop = loop;
    }

    /**
     * Has something told: at once on the owner's own thread, soon from any other.
     *
     * @param thing what it is about
     */
    void tell(String thing, Runnable event) {
        if (Thread.currentThread() == owner) {
            tellAll(); // what came before
            event.run();
            return;
        }
        boolean isFirst;
        synchronized (waiting) {
            isFirst = waiting.isEmpty();
            waiting.put(thing, event);
        }
        if (isFirst) {
            loop.post(this::tellAll);
        }
    }

    private void tellAll() {
        List<Runnable> events;
        synchronized (waiting) {
            events = List.copyOf(waiting.values());
            waiting.clear();
        }
        events.forEach(Runnable::run);
    }
}
