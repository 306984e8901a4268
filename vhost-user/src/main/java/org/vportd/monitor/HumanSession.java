package org.vportd.monitor;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ConfigException;
import org.vportd.handover.Parcel;
import org.vportd.monitor.json.JsonBudget;
import org.vportd.monitor.line.LineEditor;

/**
 * A monitor for people: a chardev, and whoever types there. Behind a multiplexer it is silent while another front-end has
 * the focus.
 *
 * <p>Whoever does not read gets no further input looked at until that has been read which it led to. So what is kept for
 * them is the output of one command.
 */
final class HumanSession extends MonitorSession {
    private static final String PROMPT = "(vportd) ";
    private static final int INPUT_BYTES = 4096;
    private static final int LINES_PER_TURN = 32;
    /** More than that is sent before more keys are looked at: one key can list many words. */
    private static final int MAX_ECHO_LENGTH = 16 * 1024;

    private final MonitorEnvironment environment;
    private final HumanCommands commands;
    private final LineEditor editor;
    private boolean connected;
    private boolean greeted;
    private boolean focused = true;

    private HumanSession(MonitorEnvironment environment, HumanCommands commands, JsonBudget budget) {
        super(environment.loop(), budget, INPUT_BYTES);
        this.environment = environment;
        this.commands = commands;
        this.editor = new LineEditor(PROMPT, commands.completer());
    }

    /**
     * Makes a monitor of a chardev.
     *
     * @throws ConfigException if the chardev has no place for one more user
     */
    static HumanSession open(MonitorEnvironment environment, HumanCommands commands, JsonBudget budget, Chardev chardev)
            throws ConfigException {
        HumanSession session = new HumanSession(environment, commands, budget);
        session.attach(chardev);
        return session;
    }

    // What the chardev calls

    @Override
    public void onEvent(ChardevEvent event) {
        switch (event) {
            case OPENED -> restart(true);
            case CLOSED -> restart(false);
            case MUX_IN -> focused = true;
            case MUX_OUT -> loseFocus();
            case BREAK -> {} // means nothing here
        }
        scheduleWork();
    }

    @Override
    boolean isConnected() {
        return connected;
    }

    private void restart(boolean isConnected) {
        connected = isConnected;
        greeted = false;
        editor.reset();
        forgetConnection();
    }

    /** What others write shall not come behind the prompt. */
    private void loseFocus() {
        focused = false;
        if (editor.isShown()) {
            editor.restart();
            send("\n");
        }
    }

    // What goes in and out, at the end of a turn

    @Override
    void work() {
        output().flush();
        if (!connected || output().pendingBytes() > 0) {
            return;
        }
        greet();
        for (int lines = 0; hasInput() && output().pendingBytes() == 0; ) {
            if (lines == LINES_PER_TURN) {
                scheduleWork();
                return;
            }
            LineEditor.Entry entry = editor.accept(nextInput());
            if (entry != null) {
                lines++;
                environment.standstill().during(() -> answer(entry));
            } else if (editor.outputLength() > MAX_ECHO_LENGTH) {
                echo();
            }
        }
        if (!hasInput()) {
            echo();
        }
        if (!hasInput() && output().pendingBytes() == 0) {
            acceptInput();
        }
    }

    private byte nextInput() {
        int at = inputAt();
        setInputAt(at + 1);
        return input()[at];
    }

    private void greet() {
        if (focused && !greeted) {
            greeted = true;
            send(environment.version().programName() + " monitor - type 'help' for more information\n");
            output().flush(); // what comes with the focus is only looked at once this has gone
        }
    }

    /** Shows what has been typed, unless the screen is another's at the moment. */
    private void echo() {
        if (focused) {
            editor.show();
        }
        sendEcho();
        output().flush();
    }

    private void answer(LineEditor.Entry entry) {
        sendEcho();
        send(
                entry.isTooLong()
                        ? HumanCommands.error(
                                "line too long", "a line has " + LineEditor.MAX_LENGTH + " characters at most")
                        : execute(entry.text()));
        output().flush();
        replied();
    }

    private String execute(String line) {
        environment.descriptors().enter(names());
        try {
            return commands.execute(line, this);
        } finally {
            environment.descriptors().leave();
        }
    }

    private void sendEcho() {
        byte[] bytes = editor.takeOutput();
        if (bytes.length > 0) {
            output().add(bytes);
        }
    }

    /** A terminal in raw mode goes to the start of a line only if it is told to. */
    private void send(String lines) {
        if (!lines.isEmpty()) {
            output().add(lines.replace("\n", "\r\n").getBytes(StandardCharsets.UTF_8));
        }
    }

    @Override
    Parcel pack() {
        return new Parcel().put("greeted", greeted);
    }

    @Override
    void unpack(Parcel from) {
        greeted = connected && from.flag("greeted");
    }

    // What commands need of it

    @Override
    public void negotiate(List<?> enable) {
        throw new IllegalStateException("people do not negotiate");
    }
}
