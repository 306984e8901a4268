package org.vportd.chardev.console;

import java.util.Objects;
import org.vportd.handover.Parcel;

/**
 * Takes the output of a program apart into characters and control functions, for a {@link Screen}. Output may be cut
 * anywhere. What is malformed or unknown is skipped, and costs no memory however long it is.
 */
final class EscapeParser {
    private static final int REPLACEMENT = 0xfffd;
    private static final int BEL = 0x07;
    private static final int CAN = 0x18;
    private static final int SUB = 0x1a;
    private static final int ESC = 0x1b;
    private static final int DEL = 0x7f;

    private enum State {
        TEXT,
        ESCAPE,
        ESCAPE_INTERMEDIATE,
        CONTROL,
        CONTROL_IGNORED,
        /** A text that is not for the screen, such as a window's title. */
        STRING,
        STRING_ESCAPE
    }

    private final Screen screen;
    private final ControlFunctions functions;
    private final Parameters parameters = new Parameters();
    private State state = State.TEXT;
    private int prefix;
    private int intermediate;

    private int bytesMissing;
    private int codePoint;
    private int lowestNext;
    private int highestNext;

    EscapeParser(Screen screen, ControlFunctions functions) {
        this.screen = screen;
        this.functions = functions;
    }

    Parcel pack() {
        return new Parcel()
                .put("state", state.name())
                .put("prefix", prefix)
                .put("intermediate", intermediate)
                .put("parameters", parameters.pack())
                .put("missing", bytesMissing)
                .put("codePoint", codePoint)
                .put("lowestNext", lowestNext)
                .put("highestNext", highestNext);
    }

    void unpack(Parcel from) {
        state = State.valueOf(Objects.requireNonNullElse(from.text("state"), state.name()));
        prefix = (int) from.number("prefix", 0);
        intermediate = (int) from.number("intermediate", 0);
        parameters.unpack(from.parcel("parameters"));
        bytesMissing = (int) from.number("missing", 0);
        codePoint = (int) from.number("codePoint", 0);
        lowestNext = (int) from.number("lowestNext", 0);
        highestNext = (int) from.number("highestNext", 0);
    }

    void feed(byte[] output, int from, int to) {
        int i = from;
        while (i < to) {
            int end = i;
            if (state == State.TEXT && bytesMissing == 0) {
                while (end < to && output[end] >= ' ' && output[end] != DEL) {
                    end++;
                }
            }
            if (end > i) {
                screen.print(output, i, end);
                i = end;
            } else {
                accept(output[i] & 0xff);
                i++;
            }
        }
    }

    private void accept(int b) {
        if (bytesMissing > 0) {
            if (b >= lowestNext && b <= highestNext) {
                continueCharacter(b);
                return;
            }
            bytesMissing = 0;
            screen.print(REPLACEMENT);
        }
        if (b < ' ') {
            control(b);
        } else if (state == State.TEXT) {
            beginCharacter(b);
        } else {
            sequence(b);
        }
    }

    // Characters of UTF-8

    private void beginCharacter(int b) {
        lowestNext = 0x80;
        highestNext = 0xbf;
        if (b < 0x80) {
            if (b != DEL) {
                screen.print(b);
            }
        } else if (b >= 0xc2 && b <= 0xdf) {
            expect(1, b & 0x1f);
        } else if (b >= 0xe0 && b <= 0xef) {
            lowestNext = b == 0xe0 ? 0xa0 : 0x80; // shorter forms exist
            highestNext = b == 0xed ? 0x9f : 0xbf; // halves of UTF-16 pairs
            expect(2, b & 0xf);
        } else if (b >= 0xf0 && b <= 0xf4) {
            lowestNext = b == 0xf0 ? 0x90 : 0x80;
            highestNext = b == 0xf4 ? 0x8f : 0xbf;
            expect(3, b & 7);
        } else {
            screen.print(REPLACEMENT);
        }
    }

    private void expect(int bytes, int bits) {
        bytesMissing = bytes;
        codePoint = bits;
    }

    private void continueCharacter(int b) {
        codePoint = (codePoint << 6) | (b & 0x3f);
        lowestNext = 0x80;
        highestNext = 0xbf;
        bytesMissing--;
        if (bytesMissing == 0 && codePoint >= 0xa0) { // those below are controls of a kind that nobody uses in UTF-8
            screen.print(codePoint);
        }
    }

    // Sequences

    private void control(int b) {
        if (b == ESC) {
            state = state == State.STRING ? State.STRING_ESCAPE : State.ESCAPE;
            intermediate = 0;
            return;
        }
        if (b == CAN || b == SUB) {
            state = State.TEXT;
        } else if (state == State.STRING || state == State.STRING_ESCAPE) {
            state = b == BEL ? State.TEXT : State.STRING;
        } else {
            functions.control(b);
        }
    }

    private void sequence(int b) {
        if (state == State.STRING) {
            return;
        }
        if (b >= DEL) {
            if (b > DEL) {
                state = State.TEXT; // text in the midst of a sequence: that is given up
                beginCharacter(b);
            }
            return;
        }
        switch (state) {
            case ESCAPE, ESCAPE_INTERMEDIATE -> escape(b);
            case STRING_ESCAPE -> {
                state = State.ESCAPE; // of a string terminator, or of the next sequence
                if (b == '\\') {
                    state = State.TEXT;
                } else {
                    escape(b);
                }
            }
            case CONTROL -> controlSequence(b);
            default -> { // CONTROL_IGNORED
                if (b >= '@') {
                    state = State.TEXT;
                }
            }
        }
    }

    private void escape(int b) {
        if (b <= '/') {
            intermediate = state == State.ESCAPE ? b : -1; // more than one means nothing to us
            state = State.ESCAPE_INTERMEDIATE;
            return;
        }
        boolean plain = state == State.ESCAPE;
        state = State.TEXT;
        if (!plain) {
            functions.escape(intermediate, b);
        } else if (b == '[') {
            state = State.CONTROL;
            parameters.clear();
            prefix = 0;
            intermediate = 0;
        } else if (b == ']' || b == 'P' || b == 'X' || b == '^' || b == '_') {
            state = State.STRING;
        } else {
            functions.escape(0, b);
        }
    }

    private void controlSequence(int b) {
        if (b >= '@') {
            state = State.TEXT;
            functions.sequence(prefix, intermediate, b, parameters);
        } else if (b >= '0' && b <= '9' && intermediate == 0) {
            parameters.digit(b - '0');
        } else if ((b == ';' || b == ':') && intermediate == 0) {
            parameters.separate(b == ':');
        } else if (b >= '<' && b <= '?' && parameters.size() == 0 && prefix == 0 && intermediate == 0) {
            prefix = b;
        } else if (b <= '/' && intermediate == 0) {
            intermediate = b;
        } else {
            state = State.CONTROL_IGNORED;
        }
    }
}
