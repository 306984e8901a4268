package org.vportd.guest;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Supplier;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The host's end of a terminal of the guest on which a shell runs, {@code /dev/hvc0} to begin with: most often a client of
 * the UNIX stream socket that stands behind the port. Characters are taken as ISO 8859-1, so none is lost.
 */
final class Console implements AutoCloseable {
    private static final Duration RUN_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration ASK_AGAIN = Duration.ofSeconds(1);
    private static final int TAIL_LENGTH = 2000;

    private final TimedStream channel;
    private final Supplier<String> diagnosis;
    private final ByteBuffer input = ByteBuffer.allocate(65536);
    private final StringBuilder unread = new StringBuilder();
    private final StringBuilder transcript = new StringBuilder();
    private int lastCommand;

    private Console(TimedStream channel, Supplier<String> diagnosis) {
        this.channel = channel;
        this.diagnosis = diagnosis;
    }

    /**
     * Connects, as soon as somebody listens.
     *
     * @param diagnosis what to add to the message of a failure, such as {@code guest::tail}
     */
    static Console connect(Path socket, Duration timeout, Supplier<String> diagnosis) throws IOException {
        return new Console(TimedChannel.connect(socket, timeout), diagnosis);
    }

    /** Takes what a terminal is connected with. */
    static Console on(TimedStream stream, Supplier<String> diagnosis) {
        return new Console(stream, diagnosis);
    }

    /** Waits until the guest's shell answers. It need not have printed its prompt after the connection was made. */
    void awaitShell(Duration timeout) {
        Deadline deadline = Deadline.after(timeout);
        String mark = "ready" + ++lastCommand;
        while (true) {
            send("printf '<%s>\\n' " + mark + "\n");
            Deadline askAgain = Deadline.after(ASK_AGAIN);
            do {
                int at = unread.indexOf("<" + mark + ">");
                if (at >= 0) {
                    unread.delete(0, at + mark.length() + 2);
                    return;
                }
            } while (receive(askAgain));
            if (deadline.isOver()) {
                throw failure("no shell on the console: timeout=" + timeout);
            }
        }
    }

    /** Types a text. */
    void send(String text) {
        boolean done;
        try {
            done = channel.write(ByteBuffer.wrap(text.getBytes(ISO_8859_1)), Deadline.after(RUN_TIMEOUT));
        } catch (IOException e) {
            throw failure("console failed: error=" + e.getMessage());
        }
        if (!done) {
            throw failure("console takes no input: text=" + text);
        }
    }

    /** Waits for a text and forgets everything up to its end. */
    void expect(String text, Duration timeout) {
        MatchResult unused = expect(Pattern.compile(text, Pattern.LITERAL), timeout);
    }

    /** Waits for a match and forgets everything up to its end. */
    MatchResult expect(Pattern pattern, Duration timeout) {
        Deadline deadline = Deadline.after(timeout);
        while (true) {
            Matcher matcher = pattern.matcher(unread);
            if (matcher.find()) {
                MatchResult result = matcher.toMatchResult();
                unread.delete(0, matcher.end());
                return result;
            }
            if (!receive(deadline)) {
                throw failure("not seen on the console: pattern=" + pattern + " timeout=" + timeout);
            }
        }
    }

    /** Runs a command of one line and returns what it printed, without the last line end. Its status must be 0. */
    String run(String command) {
        return run(command, RUN_TIMEOUT);
    }

    /** As {@link #run(String)}, for commands that take long. */
    String run(String command, Duration timeout) {
        Result result = finish(start(command), timeout);
        if (result.status() != 0) {
            throw failure("command failed: status=" + result.status() + " command=" + command);
        }
        return result.output();
    }

    /** Starts a command of one line; {@link #finish} must follow before the next one. */
    Pending start(String command) {
        int number = ++lastCommand;
        // What is echoed differs from what is printed, so that the marks are not found in the command itself.
        String separator = command.endsWith("&") ? " " : "; ";
        send("printf '<%s>\\n' begin" + number + "; " + command + separator + "printf '<%s:%d>\\n' end" + number
                + " $?\n");
        return new Pending(number);
    }

    /** Waits for the end of a command. */
    Result finish(Pending pending, Duration timeout) {
        Pattern marks = Pattern.compile(
                "<begin" + pending.number() + ">\r?\n(.*?)<end" + pending.number() + ":(\\d+)>\r?\n", Pattern.DOTALL);
        MatchResult match = expect(marks, timeout);
        String output = match.group(1).replace("\r\n", "\n");
        return new Result(
                Integer.parseInt(match.group(2)),
                output.endsWith("\n") ? output.substring(0, output.length() - 1) : output);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** Takes in more; false if there was none before the deadline. */
    private boolean receive(Deadline deadline) {
        input.clear();
        int count;
        try {
            count = channel.read(input, deadline);
        } catch (IOException e) {
            throw failure("console failed: error=" + e.getMessage());
        }
        if (count < 0) {
            throw failure("console was closed");
        }
        String text = new String(input.array(), 0, count, ISO_8859_1);
        unread.append(text);
        transcript.append(text);
        transcript.delete(0, Math.max(0, transcript.length() - TAIL_LENGTH));
        return count > 0;
    }

    private AssertionError failure(String message) {
        return new AssertionError(message + "\n--- console:\n" + transcript + diagnosis.get());
    }

    /** A command that was started. */
    record Pending(int number) {}

    /** How a command ended and what it printed. */
    record Result(int status, String output) {}
}
