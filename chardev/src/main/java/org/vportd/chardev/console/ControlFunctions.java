package org.vportd.chardev.console;

import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * Carries out control functions: those of ECMA-48 and of the VT100 and its successors that Linux's own console has, and
 * some of xterm that programs rely on. All others do nothing.
 */
final class ControlFunctions {
    private static final String ATTRIBUTES = "\033[?6c";
    private static final String SECONDARY_ATTRIBUTES = "\033[>0;1;0c";

    private final Screen screen;
    private final Consumer<byte[]> answers;

    /**
     * For a screen.
     *
     * @param answers gets what the terminal says in answer to questions
     */
    ControlFunctions(Screen screen, Consumer<byte[]> answers) {
        this.screen = screen;
        this.answers = answers;
    }

    /** A control character. */
    void control(int character) {
        switch (character) {
            case '\b' -> screen.backspace();
            case '\t' -> screen.tab(1);
            case '\n', 0x0b, '\f' -> screen.lineFeed();
            case '\r' -> screen.carriageReturn();
            case 0x0e -> screen.shift(1);
            case 0x0f -> screen.shift(0);
            default -> {
                // the bell, and what nobody uses
            }
        }
    }

    /** {@code ESC}, perhaps an intermediate character, and a final one. */
    void escape(int intermediate, int last) {
        switch (intermediate) {
            case 0 -> escape(last);
            case '(' -> screen.designate(0, last == '0');
            case ')' -> screen.designate(1, last == '0');
            case '#' -> {
                if (last == '8') {
                    screen.fill('E');
                }
            }
            default -> {
                // other character sets
            }
        }
    }

    private void escape(int last) {
        switch (last) {
            case '7' -> screen.save();
            case '8' -> screen.restore();
            case 'D' -> screen.index();
            case 'E' -> {
                screen.carriageReturn();
                screen.index();
            }
            case 'H' -> screen.setTab();
            case 'M' -> screen.reverseIndex();
            case 'Z' -> answer(ATTRIBUTES);
            case 'c' -> screen.reset();
            default -> {
                // keypad modes and the like
            }
        }
    }

    /** {@code ESC [}, perhaps a prefix, numbers, perhaps an intermediate character, and a final one. */
    void sequence(int prefix, int intermediate, int last, Parameters numbers) {
        if (intermediate == '!' && last == 'p') {
            screen.softReset();
        } else if (intermediate == 0) {
            switch (prefix) {
                case 0 -> sequence(last, numbers);
                case '?' -> privateSequence(last, numbers);
                case '>' -> {
                    if (last == 'c' && numbers.get(0) == 0) {
                        answer(SECONDARY_ATTRIBUTES);
                    }
                }
                default -> {
                    // of other terminals
                }
            }
        }
    }

    private void sequence(int last, Parameters numbers) {
        int count = numbers.count(0);
        switch (last) {
            case 'A' -> screen.up(count);
            case 'B', 'e' -> screen.down(count);
            case 'C', 'a' -> screen.right(count);
            case 'D' -> screen.left(count);
            case 'E' -> {
                screen.down(count);
                screen.carriageReturn();
            }
            case 'F' -> {
                screen.up(count);
                screen.carriageReturn();
            }
            case 'G', '`' -> screen.moveColumn(count - 1);
            case 'H', 'f' -> screen.moveTo(count - 1, numbers.count(1) - 1);
            case 'I' -> screen.tab(count);
            case 'Z' -> screen.backTab(count);
            case 'd' -> screen.moveToRow(count - 1);
            case 'r' -> screen.setMargins(count - 1, numbers.get(1) == 0 ? screen.rows() : numbers.get(1));
            case 's' -> screen.save();
            case 'u' -> screen.restore();
            default -> edit(last, numbers, count);
        }
    }

    private void edit(int last, Parameters numbers, int count) {
        switch (last) {
            case '@' -> screen.insertCharacters(count);
            case 'P' -> screen.deleteCharacters(count);
            case 'X' -> screen.eraseInLine(screen.column(), screen.column() + count);
            case 'L' -> screen.insertLines(count);
            case 'M' -> screen.deleteLines(count);
            case 'S' -> screen.scrollUp(count);
            case 'T' -> screen.scrollDown(count);
            case 'J' -> eraseInDisplay(numbers.get(0));
            case 'K' -> eraseInLine(numbers.get(0));
            case 'b' -> screen.repeat(count);
            case 'm' -> screen.setRendition(RenditionCodes.apply(numbers, screen.rendition()));
            default -> others(last, numbers);
        }
    }

    private void others(int last, Parameters numbers) {
        switch (last) {
            case 'c' -> {
                if (numbers.get(0) == 0) {
                    answer(ATTRIBUTES);
                }
            }
            case 'g' -> {
                if (numbers.get(0) == 0) {
                    screen.clearTab();
                } else if (numbers.get(0) == 3) {
                    screen.clearTabs();
                }
            }
            case 'h', 'l' -> {
                for (int i = 0; i < numbers.size(); i++) {
                    setMode(numbers.get(i), last == 'h');
                }
            }
            case 'n' -> report(numbers.get(0), "");
            case 't' -> {
                if (numbers.get(0) == 18) {
                    answer("\033[8;" + screen.rows() + ";" + screen.columns() + "t");
                }
            }
            default -> {
                // not ours
            }
        }
    }

    private void eraseInDisplay(int what) {
        switch (what) {
            case 0 -> screen.eraseToEnd();
            case 1 -> screen.eraseFromStart();
            case 2 -> screen.eraseAll();
            case 3 -> screen.clearHistory();
            default -> {
                // nothing
            }
        }
    }

    private void eraseInLine(int what) {
        switch (what) {
            case 0 -> screen.eraseInLine(screen.column(), screen.columns());
            case 1 -> screen.eraseInLine(0, screen.column() + 1);
            case 2 -> screen.eraseInLine(0, screen.columns());
            default -> {
                // nothing
            }
        }
    }

    private void report(int what, String prefix) {
        if (what == 5 && prefix.isEmpty()) {
            answer("\033[0n");
        } else if (what == 6) {
            answer("\033[" + prefix + (screen.reportedRow() + 1) + ";" + (screen.column() + 1) + "R");
        }
    }

    private void setMode(int mode, boolean on) {
        if (mode == 4) {
            screen.set(Screen.Mode.INSERT, on);
        } else if (mode == 20) {
            screen.set(Screen.Mode.NEW_LINE, on);
        }
    }

    private void privateSequence(int last, Parameters numbers) {
        switch (last) {
            case 'h', 'l' -> {
                for (int i = 0; i < numbers.size(); i++) {
                    setPrivateMode(numbers.get(i), last == 'h');
                }
            }
            case 'J' -> eraseInDisplay(numbers.get(0)); // no cell is protected from erasure
            case 'K' -> eraseInLine(numbers.get(0));
            case 'n' -> report(numbers.get(0), "?");
            default -> {
                // not ours
            }
        }
    }

    private void setPrivateMode(int mode, boolean on) {
        switch (mode) {
            case 1 -> screen.set(Screen.Mode.APPLICATION_CURSOR_KEYS, on);
            case 6 -> screen.set(Screen.Mode.ORIGIN, on);
            case 7 -> screen.set(Screen.Mode.AUTO_WRAP, on);
            case 25 -> screen.set(Screen.Mode.CURSOR_VISIBLE, on);
            case 47, 1047 -> screen.useAlternate(on, false);
            case 1048 -> saveOrRestore(on);
            case 1049 -> {
                if (on == screen.isAlternate()) {
                    return;
                }
                if (on) {
                    screen.save();
                }
                screen.useAlternate(on, true);
                if (!on) {
                    screen.restore();
                }
            }
            default -> {
                // not ours
            }
        }
    }

    private void saveOrRestore(boolean save) {
        if (save) {
            screen.save();
        } else {
            screen.restore();
        }
    }

    private void answer(String text) {
        answers.accept(text.getBytes(StandardCharsets.US_ASCII));
    }
}
