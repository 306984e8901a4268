package org.vportd.virtio.queue;

import java.util.Arrays;

/** Numbers, first in, first out. Grows as needed and never shrinks. */
final class IntQueue {
    private static final int INITIAL_CAPACITY = 16;

    private int[] items = new int[INITIAL_CAPACITY];
    private int head;
    private int size;

    int size() {
        return size;
    }

    void add(int item) {
        if (size == items.length) {
            int[] grown = Arrays.copyOf(items, 2 * size);
            for (int i = 0; i < size; i++) {
                grown[i] = get(i);
            }
            items = grown;
            head = 0;
        }
        items[(head + size) & (items.length - 1)] = item;
        size++;
    }

    /** The item that comes a number of items after the first. */
    int get(int index) {
        return items[(head + index) & (items.length - 1)];
    }

    void removeFirst(int count) {
        head = (head + count) & (items.length - 1);
        size -= count;
    }

    int removeLast() {
        size--;
        return get(size);
    }

    void clear() {
        size = 0;
    }
}
