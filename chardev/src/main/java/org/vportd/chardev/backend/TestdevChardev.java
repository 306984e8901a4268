package org.vportd.chardev.backend;

import java.util.Objects;
import java.util.Set;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.Opening;
import org.vportd.handover.Parcel;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/**
 * Lets a test in the guest end the program: digits and then {@code q}, with white space before each of the two, end it with
 * status {@code 2 * number + 1}. Everything else is dropped; always open, no input.
 */
public final class TestdevChardev extends Chardev {
    /** The type {@code testdev}. */
    public static final ChardevType TYPE = new ChardevType() {
        @Override
        public String name() {
            return "testdev";
        }

        @Override
        public Set<String> keys() {
            return Set.of();
        }

        @Override
        public Chardev open(Opening opening) {
            TestdevChardev chardev = new TestdevChardev(opening.id(), opening.services());
            if (opening.inherited() != null) {
                chardev.inherit(opening.inherited());
            }
            return chardev;
        }
    };

    private enum State {
        BEFORE_NUMBER,
        IN_NUMBER,
        AFTER_NUMBER
    }

    private final ChardevServices services;
    private State state = State.BEFORE_NUMBER;
    private int number;

    private TestdevChardev(String id, ChardevServices services) {
        super(id);
        this.services = services;
        raise(ChardevEvent.OPENED);
    }

    private void inherit(Parcel from) {
        state = State.valueOf(Objects.requireNonNullElse(from.text("state"), state.name()));
        number = (int) from.number("number", 0);
    }

    @Override
    protected void pack(Parcel into) {
        into.put("state", state.name()).put("number", number);
    }

    @Override
    public String filename() {
        return "testdev";
    }

    @Override
    protected long write(IoVector data) {
        for (int i = 0; i < data.segments(); i++) {
            long address = data.segmentAddress(i);
            long end = address + data.segmentBytes(i);
            for (; address < end; address++) {
                accept(NativeMemory.getByte(address));
            }
        }
        return data.bytes();
    }

    private void accept(byte b) {
        boolean digit = b >= '0' && b <= '9';
        if (digit && state != State.AFTER_NUMBER) {
            number = number * 10 + (b - '0'); // what overflows is beyond the eight bits of a status anyway
            state = State.IN_NUMBER;
        } else if (b == ' ' || (b >= '\t' && b <= '\r')) {
            state = state == State.BEFORE_NUMBER ? State.BEFORE_NUMBER : State.AFTER_NUMBER;
        } else {
            if (b == 'q') {
                services.exit(((number << 1) | 1) & 0xff);
            }
            number = 0;
            state = State.BEFORE_NUMBER;
        }
    }

    @Override
    public void close() {}
}
