package org.vportd.monitor;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.chardev.ChardevHandler;
import org.vportd.chardev.ConfigException;
import org.vportd.loop.LoopTask;
import org.vportd.monitor.line.LineEditor;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;

/**
 * A monitor for people: a chardev, and whoever types there. Behind a multiplexer it is silent while another front-end has
 * the focus.
 *
 * <p>Whoever does not read gets no further input looked at until that has been read which it led to. So what is kept for
 * them is the output of one command.
 */
final class HumanSession implements ChardevHandler, Requester, AutoCloseable {
    private static final String PROMPT = "(vportd) ";
    private static final int INPUT_BYTES = 4096;
    private static final int LINES_PER_TURN = 32;
    /** More than that is sent before more keys are looked at: one key can list many words. */
    private static final int MAX_ECHO_LENGTH = 16 * 1024;

    private final MonitorEnvironment environment;
    private final HumanCommands commands;
    private final ChardevFrontend frontend = new ChardevFrontend(this);
    private final OutputQueue output = new OutputQueue(frontend);
    private final NamedDescriptors.Names names = new NamedDescriptors.Names();
    private final LineEditor editor;
    private final long memory = NativeMemory.allocate(INPUT_BYTES);
    private final PassedDescriptors passed = new PassedDescriptors();
    private final IoVector buffers = new IoVector();
    private final byte[] input = new byte[INPUT_BYTES];
    private final LoopTask task;
    private int inputAt;
    private int inputEnd;
    private boolean connected;
    private boolean greeted;
    private boolean focused = true;
    private @Nullable Runnable afterReply;

    private HumanSession(MonitorEnvironment environment, HumanCommands commands) {
        this.environment = environment;
        this.commands = commands;
        this.editor = new LineEditor(PROMPT, commands.completer());
        this.task = environment.loop().task(this::work);
    }

    /**
     * Makes a monitor of a chardev.
     *
     * @throws ConfigException if the chardev has no place for one more user
     */
    static HumanSession open(MonitorEnvironment environment, HumanCommands commands, Chardev chardev)
            throws ConfigException {
        HumanSession session = new HumanSession(environment, commands);
        session.frontend.setOpen(true);
        try {
            session.frontend.attach(chardev);
        } catch (ConfigException e) {
            session.close();
            throw e;
        }
        return session;
    }

    // What the chardev calls

    @Override
    public IoVector receiveBuffers() {
        buffers.clear();
        if (inputAt == inputEnd && connected && output.pendingBytes() == 0) {
            buffers.add(memory, INPUT_BYTES);
        }
        return buffers;
    }

    @Override
    public void received(long bytes) {
        NativeMemory.get(memory, input, 0, (int) bytes);
        inputAt = 0;
        inputEnd = (int) bytes;
        task.schedule();
    }

    @Override
    public void buffersGone(MemoryFaultException fault) {
        throw new IllegalStateException("memory of the monitor's own was said to be gone", fault);
    }

    @Override
    public boolean isReceiving() {
        return true;
    }

    @Override
    public void onWritable() {
        task.schedule();
    }

    @Override
    public void onEvent(ChardevEvent event) {
        switch (event) {
            case OPENED -> restart(true);
            case CLOSED -> restart(false);
            case MUX_IN -> focused = true;
            case MUX_OUT -> loseFocus();
            case BREAK -> {} // means nothing here
        }
        task.schedule();
    }

    private void restart(boolean isConnected) {
        connected = isConnected;
        greeted = false;
        inputAt = 0;
        inputEnd = 0;
        editor.reset();
        output.clear();
        passed.drop();
    }

    /** What others write shall not come behind the prompt. */
    private void loseFocus() {
        focused = false;
        if (editor.isShown()) {
            editor.restart();
            send("\n");
        }
    }

    @Override
    public boolean isReplaceable() {
        return false;
    }

    @Override
    public boolean takesDescriptors() {
        return true;
    }

    @Override
    public void descriptorsReceived(List<Fd> descriptors) {
        passed.put(descriptors);
    }

    // What goes in and out, at the end of a turn

    private void work() {
        output.flush();
        if (!connected || output.pendingBytes() > 0) {
            return;
        }
        greet();
        for (int lines = 0; inputAt < inputEnd && output.pendingBytes() == 0; ) {
            if (lines == LINES_PER_TURN) {
                task.schedule();
                return;
            }
            LineEditor.Entry entry = editor.accept(input[inputAt++]);
            if (entry != null) {
                lines++;
                answer(entry);
            } else if (editor.outputLength() > MAX_ECHO_LENGTH) {
                echo();
            }
        }
        if (inputAt == inputEnd) {
            echo();
        }
        if (receivesMore()) {
            frontend.acceptInput();
        }
    }

    private boolean receivesMore() {
        return inputAt == inputEnd && output.pendingBytes() == 0;
    }

    private void greet() {
        if (focused && !greeted) {
            greeted = true;
            send(environment.version().programName() + " monitor - type 'help' for more information\n");
        }
    }

    /** Shows what has been typed, unless the screen is another's at the moment. */
    private void echo() {
        if (focused) {
            editor.show();
        }
        sendEcho();
        output.flush();
    }

    private void answer(LineEditor.Entry entry) {
        sendEcho();
        send(
                entry.isTooLong()
                        ? HumanCommands.error(
                                "line too long", "a line has " + LineEditor.MAX_LENGTH + " characters at most")
                        : execute(entry.text()));
        output.flush();
        Runnable after = afterReply;
        if (after != null) {
            afterReply = null;
            after.run();
        }
    }

    private String execute(String line) {
        environment.descriptors().enter(names);
        try {
            return commands.execute(line, this);
        } finally {
            environment.descriptors().leave();
        }
    }

    private void sendEcho() {
        byte[] bytes = editor.takeOutput();
        if (bytes.length > 0) {
            output.add(bytes);
        }
    }

    /** A terminal in raw mode goes to the start of a line only if it is told to. */
    private void send(String lines) {
        if (!lines.isEmpty()) {
            output.add(lines.replace("\n", "\r\n").getBytes(StandardCharsets.UTF_8));
        }
    }

    // What commands need of it

    @Override
    public NamedDescriptors.Names names() {
        return names;
    }

    @Override
    public @Nullable Fd takePassed() {
        return passed.take();
    }

    @Override
    public void afterReply(Runnable action) {
        afterReply = action;
    }

    @Override
    public void negotiate(List<?> enable) {
        throw new IllegalStateException("people do not negotiate");
    }

    /** Lets the chardev go. */
    @Override
    public void close() {
        frontend.detach();
        task.cancel();
        restart(false);
        names.close();
        output.close();
        buffers.close();
        NativeMemory.free(memory);
    }
}
