package org.vportd.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.PrintStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.vhostuser.frontend.ConsoleDriver;
import org.vportd.vhostuser.frontend.ConsoleOptions;
import org.vportd.vhostuser.frontend.ConsolePort;
import org.vportd.vhostuser.frontend.FrontendOptions;
import org.vportd.vhostuser.frontend.Manner;

/**
 * The demo, step by step: a simulated guest on one side, plain clients of a socket and a terminal on the other. Whatever
 * does not come out as told ends it with an error.
 */
final class DemoStory {
    private static final Duration QUIET = Duration.ofMillis(300);
    private static final Duration MEASURED = Duration.ofSeconds(2);
    private static final int BLOCK_BYTES = 32 * 1024;

    private final DemoDaemon daemon;
    private final PrintStream out;

    DemoStory(DemoDaemon daemon, PrintStream out) {
        this.daemon = daemon;
        this.out = out;
    }

    void tell() throws Exception {
        out.println("The daemon, started as by\n\n  " + daemon.commandLine() + "\n");
        FrontendOptions qemu = FrontendOptions.of(Manner.QEMU);
        ConsoleOptions linux = ConsoleOptions.linux().withBufferBytes(BLOCK_BYTES);
        try (ConsoleDriver guest = ConsoleDriver.start(daemon.socketPath(), qemu, linux)) {
            showPorts(guest);
            useConsole(guest);
            try (SocketChannel peer = SocketChannel.open(UnixDomainSocketAddress.of(daemon.channelSocket()))) {
                useChannel(guest, peer);
                throttle(guest, peer);
                measure(guest, peer);
            }
            guest.await(
                    "the peer's leaving is told",
                    () -> !guest.port(DemoDaemon.CHANNEL).isHostOpen());
            say("The peer has left: the guest sees port %d closed on the host's side.", DemoDaemon.CHANNEL);
        }
        say("The guest is gone; the daemon would serve the next one. The demo ends here.");
    }

    private void say(String format, Object... values) {
        out.println(String.format(Locale.ROOT, format, values));
    }

    private void showPorts(ConsoleDriver guest) throws IOException {
        guest.awaitPort(DemoDaemon.CONSOLE);
        ConsolePort channel = guest.awaitPort(DemoDaemon.CHANNEL);
        guest.await("the channel has its name", () -> !channel.name().isEmpty());
        say("A simulated guest is connected. Its driver finds");
        say("  port %d: a console", DemoDaemon.CONSOLE);
        say(
                "  port %d: a channel named %s; peer on the host: %s\n",
                channel.id(), channel.name(), channel.isHostOpen());
        guest.open(DemoDaemon.CHANNEL);
    }

    /** Through the pseudo-terminal that the console stands on. */
    private void useConsole(ConsoleDriver guest) throws IOException {
        int flags = Posix.O_RDWR | Posix.O_NOCTTY | Posix.O_NONBLOCK;
        try (Fd terminal = Posix.open(daemon.consoleTerminal().toString(), flags, 0)) {
            String command = "uptime\r";
            write(terminal, command);
            String typed = new String(guest.read(DemoDaemon.CONSOLE, command.length()), UTF_8);
            check(typed.equals(command), "what was typed arrives unchanged");
            String answer = "up 3 seconds\r\n";
            guest.write(DemoDaemon.CONSOLE, answer.getBytes(UTF_8));
            String shown = read(guest, terminal, answer.length());
            check(shown.equals(answer), "the answer is shown unchanged");
            say("Console on a pty: typed '%s', the guest answered '%s'.", typed.strip(), shown.strip());
        }
    }

    private static void write(Fd terminal, String text) throws IOException {
        byte[] bytes = text.getBytes(UTF_8);
        long memory = NativeMemory.allocate(bytes.length);
        try {
            NativeMemory.put(bytes, 0, memory, bytes.length);
            check(Posix.write(terminal, memory, bytes.length) == bytes.length, "the terminal takes a line");
        } finally {
            NativeMemory.free(memory);
        }
    }

    private static String read(ConsoleDriver guest, Fd terminal, int length) throws IOException {
        byte[] bytes = new byte[length];
        long memory = NativeMemory.allocate(length);
        int[] done = new int[1];
        try {
            guest.await("the terminal shows the answer", () -> {
                long n = Posix.read(terminal, memory, length - done[0]);
                if (n > 0) {
                    NativeMemory.get(memory, bytes, done[0], (int) n);
                    done[0] += (int) n;
                }
                return done[0] == length;
            });
            return new String(bytes, UTF_8);
        } finally {
            NativeMemory.free(memory);
        }
    }

    private void useChannel(ConsoleDriver guest, SocketChannel peer) throws IOException {
        guest.awaitHostOpen(DemoDaemon.CHANNEL);
        say("A client has connected to the channel's socket: the guest sees port %d open.", DemoDaemon.CHANNEL);
        byte[] question = "{\"execute\":\"guest-ping\"}\n".getBytes(UTF_8);
        peer.write(ByteBuffer.wrap(question));
        byte[] heard = guest.read(DemoDaemon.CHANNEL, question.length);
        byte[] answer = "{\"return\":{}}\n".getBytes(UTF_8);
        guest.write(DemoDaemon.CHANNEL, answer);
        ByteBuffer buffer = ByteBuffer.allocate(answer.length);
        while (buffer.hasRemaining() && peer.read(buffer) >= 0) {
            // as many pieces as it comes in
        }
        check(new String(buffer.array(), UTF_8).equals(new String(answer, UTF_8)), "the answer arrives");
        say("Channel on a socket: host asked %s, guest answered %s.\n", text(heard), text(answer));
    }

    private static String text(byte[] bytes) {
        return new String(bytes, UTF_8).strip();
    }

    /** The guest writes while nobody reads, until all is full; then the client reads, and nothing is missing. */
    private void throttle(ConsoleDriver guest, SocketChannel peer) throws Exception {
        ConsolePort port = guest.port(DemoDaemon.CHANNEL);
        byte[] block = new byte[BLOCK_BYTES];
        long[] written = new long[1];
        long quietSince = System.nanoTime();
        while (System.nanoTime() - quietSince < QUIET.toNanos()) {
            int n = port.write(fill(block, written[0]), 0, block.length);
            written[0] += n;
            quietSince = n > 0 ? System.nanoTime() : quietSince;
            guest.turn(10);
        }
        check(!port.isFlushed(), "the rest waits in the guest");
        say("Nobody reads: the guest is throttled after %,d bytes, with the rest held in its own buffers.", written[0]);
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        long read = 0;
        while (read < written[0]) {
            buffer.clear();
            int n = peer.read(buffer);
            check(n > 0, "the stream goes on");
            for (int i = 0; i < n; i++) {
                check(buffer.get(i) == pattern(read + i), "byte " + (read + i) + " is right");
            }
            read += n;
        }
        guest.await("all buffers come back", port::isFlushed);
        say("The client reads: the flow resumed in the middle of a buffer, all %,d bytes arrived in order.\n", read);
    }

    private static byte[] fill(byte[] block, long position) {
        for (int i = 0; i < block.length; i++) {
            block[i] = pattern(position + i);
        }
        return block;
    }

    private static byte pattern(long position) {
        return (byte) (position * 31 + (position >> 12));
    }

    private void measure(ConsoleDriver guest, SocketChannel peer) throws Exception {
        ConsolePort port = guest.port(DemoDaemon.CHANNEL);
        byte[] block = new byte[BLOCK_BYTES];
        AtomicLong taken = new AtomicLong();
        CompletableFuture<Void> reader = CompletableFuture.runAsync(() -> drain(peer, taken));
        long sent = 0;
        long start = System.nanoTime();
        while (System.nanoTime() - start < MEASURED.toNanos()) {
            int n = port.write(block, 0, block.length);
            sent += n;
            guest.turn(n == block.length ? 0 : 1);
        }
        double seconds = (System.nanoTime() - start) / (double) TimeUnit.SECONDS.toNanos(1);
        guest.await("all buffers come back", port::isFlushed);
        say("Guest to host: %,.0f MB/s in blocks of %d KiB.", sent / seconds / 1e6, BLOCK_BYTES / 1024);
        long all = sent;
        guest.await("the client has read all", () -> taken.get() == all);
        guest.write(DemoDaemon.CHANNEL, new byte[] {1}); // the reader's sign to stop
        reader.get(10, TimeUnit.SECONDS);
        receive(guest, peer);
    }

    /** Counts zeros until another byte comes. */
    private static void drain(SocketChannel peer, AtomicLong taken) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
        try {
            while (true) {
                buffer.clear();
                int n = peer.read(buffer);
                if (n <= 0 || buffer.get(n - 1) != 0) {
                    return;
                }
                taken.addAndGet(n);
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private void receive(ConsoleDriver guest, SocketChannel peer) throws Exception {
        ConsolePort port = guest.port(DemoDaemon.CHANNEL);
        long end = System.nanoTime() + MEASURED.toNanos();
        CompletableFuture<Long> writer = CompletableFuture.supplyAsync(() -> feed(peer, end));
        byte[] block = new byte[1 << 20];
        long received = 0;
        long start = System.nanoTime();
        while (System.nanoTime() < end) {
            int n = port.read(block, 0, block.length);
            received += n;
            guest.turn(n > 0 ? 0 : 1);
        }
        double seconds = (System.nanoTime() - start) / (double) TimeUnit.SECONDS.toNanos(1);
        say("Host to guest: %,.0f MB/s into buffers of %d KiB.\n", received / seconds / 1e6, BLOCK_BYTES / 1024);
        long[] all = {received};
        guest.await("all that was sent has come", () -> {
            all[0] += port.read(block, 0, block.length);
            return writer.isDone() && all[0] == writer.join();
        });
    }

    private static long feed(SocketChannel peer, long end) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
        long sent = 0;
        try {
            while (System.nanoTime() < end) {
                buffer.clear();
                sent += peer.write(buffer);
            }
            return sent;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void check(boolean holds, String what) throws IOException {
        if (!holds) {
            throw new IOException("the demo failed: not true that " + what);
        }
    }
}
