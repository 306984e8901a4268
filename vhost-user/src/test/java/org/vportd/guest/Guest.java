package org.vportd.guest;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A running Linux guest: the process of QEMU or of user-mode Linux. What it prints (messages of the kernel and of the
 * monitor itself, but not the console under test) goes to a file {@code guest-N.log} in the folder of the test.
 *
 * <p>The vhost-user back-end must be listening before a guest starts.
 */
final class Guest implements AutoCloseable {
    private static final int MEMORY_MB = 256;
    private static final int TAIL_LENGTH = 3000;
    private static final Duration EXIT_TIMEOUT = Duration.ofSeconds(10);

    private static final String KERNEL = "Linux version";

    private final Process process;
    private final boolean sameProcess;
    private final Path logFile;
    private final StringBuilder log = new StringBuilder();
    private final Thread collector;

    private Guest(ProcessBuilder command, Path dir, boolean sameProcess) throws IOException {
        this.sameProcess = sameProcess;
        logFile = unusedLog(dir);
        process = command.directory(dir.toFile())
                .redirectErrorStream(true)
                .redirectInput(new File("/dev/null"))
                .start();
        collector = new Thread(this::collect, "guest-" + process.pid());
        collector.setDaemon(true);
        collector.start();
    }

    /** Starts user-mode Linux. A {@code reboot -f} in it goes on in the same process. */
    static Guest uml(Path vhostUserSocket, Path dir, String... arguments) throws IOException {
        GuestFiles files = GuestFiles.require();
        Path dirOfUml = Files.createDirectories(dir.resolve("uml"));
        List<String> command = new ArrayList<>(List.of(
                files.uml().toString(),
                "mem=" + MEMORY_MB + "M",
                "rootfstype=hostfs",
                "rootflags=" + files.umlRoot(),
                "ro",
                "init=/init",
                "con=null",
                "con0=null,fd:1",
                "uml_dir=" + dirOfUml.toAbsolutePath() + "/",
                "virtio_uml.device=" + vhostUserSocket.toAbsolutePath() + ":3"));
        command.addAll(List.of(arguments));
        return new Guest(new ProcessBuilder(command), dir, true);
    }

    /**
     * Starts QEMU with a vhost-user console of {@code numVqs} queues, which must be 2 (ports + 1), where ports is the
     * {@code max_nr_ports} of the device's configuration, or 2 if it is not multiport.
     */
    static Guest qemu(Path vhostUserSocket, Path dir, int numVqs, String... options) throws IOException {
        List<String> device = new ArrayList<>(List.of(
                "-chardev",
                "socket,id=vhost,path=" + vhostUserSocket.toAbsolutePath(),
                "-device",
                "vhost-user-test-device-pci,chardev=vhost,virtio-id=3,num_vqs=" + numVqs
                        + ",config_size=12,vq_size=128"));
        device.addAll(List.of(options));
        return qemuWith(dir, device);
    }

    /**
     * Starts QEMU's machine without PCI, whose device is on virtio-mmio. Time runs by instructions: its kernel has nothing
     * else to measure it with, and hangs if it fails to.
     */
    static Guest microvm(Path vhostUserSocket, Path dir, int numVqs) throws IOException {
        List<String> device = List.of(
                "-icount",
                "shift=auto",
                "-global",
                "virtio-mmio.force-legacy=false",
                "-chardev",
                "socket,id=vhost,path=" + vhostUserSocket.toAbsolutePath(),
                "-device",
                "vhost-user-test-device,chardev=vhost,virtio-id=3,num_vqs=" + numVqs + ",config_size=12,vq_size=128");
        return qemuWith("microvm", dir, device);
    }

    /** Starts QEMU with any devices. */
    static Guest qemuWith(Path dir, List<String> devices) throws IOException {
        return qemuWith("q35", dir, devices);
    }

    private static Guest qemuWith(String machine, Path dir, List<String> devices) throws IOException {
        GuestFiles files = GuestFiles.require();
        List<String> command = new ArrayList<>(List.of(
                files.qemu().toString(),
                "-M",
                machine + ",memory-backend=mem",
                "-accel",
                "tcg",
                "-m",
                Integer.toString(MEMORY_MB),
                "-object",
                "memory-backend-memfd,id=mem,size=" + MEMORY_MB + "M,share=on",
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-serial",
                "stdio",
                "-kernel",
                files.kernel().toString(),
                "-initrd",
                files.initrd().toString(),
                "-append",
                "console=ttyS0 quiet panic=-1"));
        command.addAll(devices);
        return new Guest(new ProcessBuilder(command), dir, false);
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    Path logFile() {
        return logFile;
    }

    /** How many kernels of user-mode Linux have begun to speak. */
    int kernels() {
        synchronized (log) {
            int count = 0;
            for (int at = log.indexOf(KERNEL); at >= 0; at = log.indexOf(KERNEL, at + 1)) {
                count++;
            }
            return count;
        }
    }

    /** Whether it is user-mode Linux, which executes itself to reboot. */
    boolean isSameProcessAfterReboot() {
        return sameProcess;
    }

    /** Waits until the guest's messages contain a text. */
    void awaitLog(String text, Duration timeout) {
        Deadline deadline = Deadline.after(timeout);
        synchronized (log) {
            while (log.indexOf(text) < 0) {
                if (deadline.isOver()) {
                    throw new AssertionError("guest did not print: text=" + text + " timeout=" + timeout + tail());
                }
                try {
                    log.wait(deadline.remainingMs());
                } catch (InterruptedException e) {
                    throw interrupted(e);
                }
            }
        }
    }

    /** The end of the guest's messages, for failures. */
    String tail() {
        synchronized (log) {
            String state = process.isAlive() ? "running" : "exit status " + process.exitValue();
            return "\n--- guest (" + state + "), " + logFile + ":\n"
                    + log.substring(Math.max(0, log.length() - TAIL_LENGTH));
        }
    }

    /** Waits until the guest has ended by itself and returns its exit status. */
    int awaitExit(Duration timeout) {
        try {
            if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("guest still runs: timeout=" + timeout + tail());
            }
            collector.join(timeout.toMillis());
            return process.exitValue();
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** Ends the guest as a power cut would, and waits until it is gone. */
    void kill() {
        // User-mode Linux keeps helpers and one process per guest process, which outlive it.
        List<ProcessHandle> descendants = process.descendants().toList();
        process.destroyForcibly();
        for (ProcessHandle descendant : descendants) {
            descendant.destroyForcibly();
        }
        int unused = awaitExit(EXIT_TIMEOUT);
    }

    @Override
    public void close() {
        kill();
    }

    private static IllegalStateException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new IllegalStateException("interrupted while waiting for a guest", e);
    }

    private static Path unusedLog(Path dir) throws IOException {
        int number = 1;
        while (Files.exists(dir.resolve("guest-" + number + ".log"))) {
            number++;
        }
        return Files.createFile(dir.resolve("guest-" + number + ".log"));
    }

    private void collect() {
        byte[] buffer = new byte[8192];
        try (InputStream in = process.getInputStream();
                OutputStream out = Files.newOutputStream(logFile)) {
            for (int count = in.read(buffer); count > 0; count = in.read(buffer)) {
                out.write(buffer, 0, count);
                synchronized (log) {
                    log.append(new String(buffer, 0, count, ISO_8859_1));
                    log.notifyAll();
                }
            }
        } catch (IOException e) {
            synchronized (log) {
                log.append("(no more: ").append(e).append(')');
                log.notifyAll();
            }
        }
    }
}
