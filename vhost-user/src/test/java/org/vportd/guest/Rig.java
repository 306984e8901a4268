package org.vportd.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A daemon and the guest it serves: a shell on {@code /dev/hvc0}, {@code /dev/hvc1} on a pseudo-terminal, the port {@value
 * #PORT} and that of the guest agent. A test opens the port in the guest as descriptor 5.
 */
final class Rig implements AutoCloseable {
    static final String PORT = "/dev/virtio-ports/org.vportd.test";
    static final String AGENT_PORT = "/dev/virtio-ports/org.qemu.guest_agent.0";

    private static final int MAX_PORTS = 12;
    private static final int NUM_VQS = 2 * (MAX_PORTS + 1);
    private static final Duration BOOT_TIMEOUT = Duration.ofSeconds(60);
    private static final Duration KERNEL_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration STATE_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration END_TIMEOUT = Duration.ofSeconds(5);
    private static final Pattern WRONG =
            Pattern.compile("vportd: error|internal error|Exception|^\\s+at ", Pattern.MULTILINE);

    private final Path dir;
    private final Starter starter;
    private DaemonProcess daemon;
    private int takeOvers;
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "host");
        thread.setDaemon(true);
        return thread;
    });
    private final Console console;
    private Guest guest;

    /** How a kind of guest is started. */
    @FunctionalInterface
    interface Starter {
        Guest start(Path vhostUserSocket, Path dir, int numVqs) throws IOException;
    }

    /** What else the daemon is told, given the folder of the test. */
    @FunctionalInterface
    interface MoreOptions {
        List<String> in(Path dir);
    }

    /**
     * Starts both.
     *
     * @param deviceOptions what the device shall be besides, with a comma before each
     */
    Rig(Starter starter, String deviceOptions, MoreOptions more) throws IOException {
        GuestFiles unused = GuestFiles.require(); // skips the test before anything runs
        this.starter = starter;
        dir = Files.createTempDirectory("vportd-guest");
        List<String> options = new ArrayList<>(List.of(
                "-chardev", "socket,id=c0,path=" + dir.resolve("c0") + ",server=on,wait=off",
                "-chardev", "pty,id=c1",
                "-chardev", "socket,id=c2,path=" + portSocket() + ",server=on,wait=off",
                "-chardev", "socket,id=c3,path=" + agentSocket() + ",server=on,wait=off",
                "-device", "vhost-user-serial,max_ports=" + MAX_PORTS + deviceOptions,
                "-device", "virtconsole,chardev=c0",
                "-device", "virtconsole,chardev=c1",
                "-device", "virtserialport,chardev=c2,name=org.vportd.test",
                "-device", "virtserialport,chardev=c3,name=org.qemu.guest_agent.0"));
        options.addAll(more.in(dir));
        daemon = DaemonProcess.start(vhostUserSocket(), dir, options);
        try {
            console = Console.connect(dir.resolve("c0"), STATE_TIMEOUT, () -> "");
            guest = starter.start(vhostUserSocket(), dir, NUM_VQS);
        } catch (IOException | RuntimeException | Error e) {
            int unusedStatus = daemon.terminate(END_TIMEOUT);
            throw e;
        }
    }

    Path dir() {
        return dir;
    }

    /** Has another daemon take the place of this one, which was started with {@code --handover} in the folder. */
    void takeOver() throws IOException {
        DaemonProcess former = daemon;
        daemon = DaemonProcess.takeOver(dir.resolve("handover"), dir, ++takeOvers);
        int status = former.awaitExit(END_TIMEOUT);
        if (status != 0 || WRONG.matcher(former.log()).find()) {
            throw new AssertionError("vportd did not hand over well: status=" + status + former.tail());
        }
    }

    DaemonProcess daemon() {
        return daemon;
    }

    Guest guest() {
        return guest;
    }

    /** The shell on {@code /dev/hvc0}. */
    Console console() {
        return console;
    }

    Path vhostUserSocket() {
        return dir.resolve("vhost");
    }

    Path agentSocket() {
        return dir.resolve("agent");
    }

    private Path portSocket() {
        return dir.resolve("port");
    }

    /** Opens the pseudo-terminal behind {@code /dev/hvc1}. */
    Terminal openTerminal() throws IOException {
        Pattern notice = Pattern.compile("char device redirected to (\\S+) \\(label c1\\)");
        return Terminal.open(Path.of(daemon.awaitLog(notice, STATE_TIMEOUT).group(1)));
    }

    /** Waits until the guest, just started, has its shell and all ports. */
    void awaitGuest() {
        console.awaitShell(BOOT_TIMEOUT);
        // Opening a port before it is there would make a plain file of its name.
        awaitInGuest(
                "[ -c " + PORT + " ] && [ -c " + AGENT_PORT + " ] && (: </dev/hvc1) 2>/dev/null", "ports are missing");
    }

    /**
     * Reboots the guest and waits until it is there again. User-mode Linux executes itself for that, and about once in 200
     * times its new kernel faults without end before it says a word, long before it looks for us: then it is started anew.
     */
    void reboot() throws IOException {
        reboot(() -> {});
    }

    /** The same, and does something meanwhile. */
    void reboot(Runnable meanwhile) throws IOException {
        int kernels = guest.kernels();
        console.send("reboot -f\n");
        meanwhile.run();
        if (guest.isSameProcessAfterReboot()
                && !Deadline.after(KERNEL_TIMEOUT).await(() -> guest.kernels() > kernels)) {
            guest.kill();
            startNextGuest();
        } else {
            awaitGuest();
        }
    }

    /** Starts the next guest, after the one before was killed, and waits until it is there. */
    void startNextGuest() throws IOException {
        guest = starter.start(vhostUserSocket(), dir, NUM_VQS);
        awaitGuest();
    }

    /** Opens the port in the guest, as descriptor 5 of its shell. */
    void openPort() {
        String unused = console.run("exec 5<>" + PORT);
    }

    /** Connects the host program of the port. */
    HostPeer connectPeer() throws IOException {
        return HostPeer.connect(portSocket(), STATE_TIMEOUT);
    }

    /** Waits until the guest, which has the port open, knows that the peer is there, "up", or is not, "down". */
    void awaitPeer(String upOrDown) {
        String state = console.run("portwait 5 " + upOrDown + " " + STATE_TIMEOUT.toMillis());
        if (!state.equals(upOrDown)) {
            throw new AssertionError("guest does not see the host's side of the port " + upOrDown);
        }
    }

    /** Waits until a process of the guest, given in the shell's words, sleeps. */
    void awaitAsleep(String pid) {
        awaitInGuest("grep -q '^State:.S' /proc/" + pid + "/status", pid + " does not sleep");
    }

    /** Waits until a command in the guest succeeds. */
    void awaitInGuest(String condition, String failure) {
        String unused = console.run("n=0; until " + condition + "; do n=$((n + 1)); [ $n -lt 500 ] || { echo '"
                + failure + "'; break; }; usleep 20000; done; [ $n -lt 500 ]");
    }

    /** Does something on a thread of its own. */
    <T> Future<T> inBackground(Callable<T> work) {
        return threads.submit(work);
    }

    /** Closes the port in the guest if it is open; returns what its kernel complained about, which should be nothing. */
    String finishTest() {
        return console.run(
                "exec 5>&-; dmesg | grep -E 'lockup|BUG|WARNING|Call Trace|blocked for more|rcu.*stall|Oops|broken' || true");
    }

    /** What daemon and guest said, for failures. */
    String diagnosis() throws IOException {
        return daemon.tail() + guest.tail();
    }

    /** Ends both, the daemon first, as it must be able to end while it serves. */
    @Override
    public void close() throws IOException {
        try {
            int status = daemon.terminate(END_TIMEOUT);
            if (status != 0 || WRONG.matcher(daemon.log()).find()) {
                throw new AssertionError("vportd did not end well: status=" + status + daemon.tail());
            }
            if (Files.exists(vhostUserSocket())) {
                throw new AssertionError("vportd left its socket behind");
            }
        } finally {
            console.close();
            guest.close();
            threads.shutdownNow();
        }
        try (Stream<Path> files = Files.walk(dir)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
