package org.vportd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * One guest with two devices, ours and the one that is built into QEMU, each with a port on a UNIX socket: the same program
 * of the guest sends and receives through both in turns. Every byte has to arrive; the times are printed as ratios, and
 * nothing is said about what they should be.
 */
@Tag("guest")
@Tag("long")
@Timeout(300)
class GuestThroughputIT {
    private static final Duration START = Duration.ofSeconds(10);
    private static final Duration BOOT = Duration.ofSeconds(60);
    private static final Duration RUN = Duration.ofSeconds(60);
    private static final Duration END = Duration.ofSeconds(5);
    private static final String OURS = "org.vportd.test";
    private static final String BUILT_IN = "org.qemu.builtin";
    private static final int[] SIZES = {64, 1024, 4096, 32 * 1024, 64 * 1024};
    private static final int ROUNDS = 7;
    private static final double RUN_S = 0.6;
    private static final int MAX_PORTS = 4;

    @TempDir
    private Path dir;

    private final List<String> lines = new ArrayList<>();

    /**
     * One of the two ways.
     *
     * @param fd the port's descriptor in the guest's shell
     * @param channel the host's end
     * @param processes those whose CPU time it takes
     */
    private record Way(int fd, SocketChannel channel, List<Long> processes) {
        long ticks() throws IOException {
            long sum = 0;
            for (long pid : processes) {
                String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
                String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
                sum += Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
            }
            return sum;
        }
    }

    /**
     * A run.
     *
     * @param seconds how long it took
     * @param bytes what was moved
     * @param ticks the CPU time it took, in 1/100 s
     */
    private record Run(double seconds, long bytes, long ticks) {
        double speed() {
            return bytes / seconds;
        }
    }

    @Test
    void shouldMoveTheSameThroughOursAndTheBuiltInDevice() throws Exception {
        GuestFiles unused = GuestFiles.require();
        Path socket = dir.resolve("vhost");
        DaemonProcess daemon = DaemonProcess.start(
                socket,
                dir,
                List.of(
                        "-chardev", "socket,id=c0,path=" + dir.resolve("c0") + ",server=on,wait=off",
                        "-chardev", "socket,id=c1,path=" + dir.resolve("ours") + ",server=on,wait=off",
                        "-device", "vhost-user-serial,max_ports=" + MAX_PORTS,
                        "-device", "virtconsole,chardev=c0",
                        "-device", "virtserialport,chardev=c1,name=" + OURS));
        try (Console console = Console.connect(dir.resolve("c0"), START, () -> "");
                Guest guest = Guest.qemu(
                        socket,
                        dir,
                        2 * (MAX_PORTS + 1),
                        "-device",
                        "virtio-serial-pci,id=builtin,max_ports=" + MAX_PORTS,
                        "-chardev",
                        "socket,id=b1,path=" + dir.resolve("builtin") + ",server=on,wait=off",
                        "-device",
                        "virtserialport,bus=builtin.0,chardev=b1,name=" + BUILT_IN)) {
            console.awaitShell(BOOT);
            try (SocketChannel ours = SocketChannel.open(UnixDomainSocketAddress.of(dir.resolve("ours")));
                    SocketChannel builtIn = SocketChannel.open(UnixDomainSocketAddress.of(dir.resolve("builtin")))) {
                open(console, 5, OURS);
                open(console, 6, BUILT_IN);
                compare(
                        console,
                        new Way(5, ours, List.of(guest.pid(), daemon.pid())),
                        new Way(6, builtIn, List.of(guest.pid())));
            }
        } finally {
            assertEquals(0, daemon.terminate(END));
        }
        Path report = Files.createDirectories(Path.of("target")).resolve("guest-throughput.txt");
        Files.write(report, lines);
        lines.forEach(System.out::println);
    }

    private static void open(Console console, int fd, String name) {
        String port = "/dev/virtio-ports/" + name;
        String unused = console.run("n=0; until [ -c " + port
                + " ] || [ $n = 250 ]; do n=$((n + 1)); usleep 20000; done; " + "exec " + fd + "<>" + port);
        assertEquals("up", console.run("portwait " + fd + " up " + START.toMillis()));
    }

    private void compare(Console console, Way ours, Way builtIn) throws Exception {
        lines.add("A guest's dd through vportd and through QEMU's built-in device: MB/s, ratio of " + ROUNDS
                + " runs each in turns, and CPU s/GB of all processes of the host");
        lines.add("direction   block     ours built-in    ratio (min..max)   CPU ours built-in");
        for (boolean fromGuest : new boolean[] {true, false}) {
            for (int size : SIZES) {
                List<Run> first = new ArrayList<>();
                List<Run> second = new ArrayList<>();
                int count = blocksFor(console, builtIn, size, fromGuest);
                for (int round = 0; round < ROUNDS; round++) {
                    first.add(run(console, ours, size, count, fromGuest));
                    second.add(run(console, builtIn, size, count, fromGuest));
                }
                lines.add(line(fromGuest ? "from guest" : "to guest", size, first, second));
            }
        }
    }

    /** As many blocks as take long enough for a clock. */
    private static int blocksFor(Console console, Way way, int size, boolean fromGuest) throws Exception {
        int count = Math.max(16, (1 << 20) / size);
        Run trial = run(console, way, size, count, fromGuest);
        return (int) Math.min(100_000, Math.max(count, count * RUN_S / trial.seconds()));
    }

    private static Run run(Console console, Way way, int size, int count, boolean fromGuest) throws Exception {
        long ticks = way.ticks();
        long bytes = (long) size * count;
        long start;
        if (fromGuest) {
            Console.Pending command =
                    console.start("dd if=/dev/zero bs=" + size + " count=" + count + " 2>/dev/null >&" + way.fd());
            start = receive(way.channel(), bytes);
            start = System.nanoTime() - start;
            assertEquals(0, console.finish(command, RUN).status());
        } else {
            Console.Pending command = console.start("head -c " + bytes + " <&" + way.fd() + " >/dev/null");
            start = System.nanoTime();
            send(way.channel(), size, count);
            assertEquals(0, console.finish(command, RUN).status());
            start = System.nanoTime() - start;
        }
        return new Run(start / (double) TimeUnit.SECONDS.toNanos(1), bytes, way.ticks() - ticks);
    }

    /** Takes exactly so many bytes; answers when the first have come. */
    private static long receive(SocketChannel channel, long bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 18);
        long first = 0;
        long done = 0;
        while (done < bytes) {
            int n = channel.read(buffer.clear().limit((int) Math.min(buffer.capacity(), bytes - done)));
            if (n < 0) {
                throw new AssertionError("port was closed: received=" + done + " wanted=" + bytes);
            }
            first = first == 0 ? System.nanoTime() : first;
            done += n;
        }
        return first;
    }

    private static void send(SocketChannel channel, int size, int count) throws IOException {
        ByteBuffer block = ByteBuffer.allocateDirect(size);
        for (int i = 0; i < count; i++) {
            block.clear();
            while (block.hasRemaining()) {
                int unused = channel.write(block);
            }
        }
    }

    private static String line(String direction, int size, List<Run> ours, List<Run> builtIn) {
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < ours.size(); i++) {
            ratios.add(ours.get(i).speed() / builtIn.get(i).speed());
        }
        Collections.sort(ratios);
        return String.format(
                Locale.ROOT,
                "%-10s %6d %8.1f %8.1f %8.2f (%.2f..%.2f) %10.2f %8.2f",
                direction,
                size,
                median(ours) / 1e6,
                median(builtIn) / 1e6,
                ratios.get(ratios.size() / 2),
                ratios.get(0),
                ratios.get(ratios.size() - 1),
                cost(ours),
                cost(builtIn));
    }

    private static double median(List<Run> runs) {
        return runs.stream().mapToDouble(Run::speed).sorted().toArray()[runs.size() / 2];
    }

    private static double cost(List<Run> runs) {
        double ticks = runs.stream().mapToLong(Run::ticks).sum();
        double bytes = runs.stream().mapToLong(Run::bytes).sum();
        return ticks * 1e7 / bytes;
    }
}
