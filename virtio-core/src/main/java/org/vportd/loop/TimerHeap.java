package org.vportd.loop;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A binary heap of timers, the next one first; each timer knows its place, so cancelling one is cheap. */
final class TimerHeap {
    private @Nullable LoopTimer[] timers = new @Nullable LoopTimer[16];
    private int size;

    @Nullable
    LoopTimer first() {
        return timers[0];
    }

    void add(LoopTimer timer) {
        if (size == timers.length) {
            timers = Arrays.copyOf(timers, size * 2);
        }
        place(timer, size++);
        siftUp(timer);
    }

    void remove(LoopTimer timer) {
        int hole = timer.heapIndex;
        timer.heapIndex = LoopTimer.IDLE;
        LoopTimer last = at(--size);
        timers[size] = null;
        if (last != timer) {
            place(last, hole);
            siftUp(last);
            siftDown(last);
        }
    }

    /** The timers of one loop, in any order. */
    List<LoopTimer> of(EventLoop loop) {
        List<LoopTimer> found = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            if (at(i).loop == loop) {
                found.add(at(i));
            }
        }
        return found;
    }

    private void siftUp(LoopTimer timer) {
        while (timer.heapIndex > 0) {
            LoopTimer parent = at((timer.heapIndex - 1) / 2);
            if (!isBefore(timer, parent)) {
                return;
            }
            swap(timer, parent);
        }
    }

    private void siftDown(LoopTimer timer) {
        while (timer.heapIndex * 2 + 1 < size) {
            LoopTimer child = at(timer.heapIndex * 2 + 1);
            if (child.heapIndex + 1 < size && isBefore(at(child.heapIndex + 1), child)) {
                child = at(child.heapIndex + 1);
            }
            if (!isBefore(child, timer)) {
                return;
            }
            swap(child, timer);
        }
    }

    private static boolean isBefore(LoopTimer a, LoopTimer b) {
        return a.deadlineNs - b.deadlineNs < 0; // by difference: nanoTime may wrap
    }

    private void swap(LoopTimer a, LoopTimer b) {
        int index = a.heapIndex;
        place(a, b.heapIndex);
        place(b, index);
    }

    private void place(LoopTimer timer, int index) {
        timers[index] = timer;
        timer.heapIndex = index;
    }

    private LoopTimer at(int index) {
        LoopTimer timer = timers[index];
        if (timer == null) {
            throw new IllegalStateException("no timer at index=" + index);
        }
        return timer;
    }
}
