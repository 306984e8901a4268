package org.vportd.daemon;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.vhostuser.frontend.ConsoleDriver;
import org.vportd.vhostuser.frontend.ConsoleOptions;
import org.vportd.vhostuser.frontend.ConsolePort;
import org.vportd.vhostuser.frontend.FrontendOptions;
import org.vportd.vhostuser.frontend.Manner;

/** A simulated guest that opens all ports it is told of and sends back what comes, on a thread of its own. */
final class EchoGuest implements AutoCloseable {
    private static final long PATIENCE_S = 20;
    private static final int TURN_MS = 5;

    private final ConsoleDriver driver;
    private final Thread thread = new Thread(this::run, "echo-guest");
    private final Echo[] echoes;
    private final StringBuilder[] received;
    private final boolean remembers;
    private final boolean[] present;
    private final boolean[] hostOpen;
    private volatile boolean stopped;
    private volatile @Nullable Throwable failure;

    /** Connects a guest that remembers all it has got. */
    EchoGuest(Path socket, int ports) throws IOException {
        this(socket, ports, true);
    }

    EchoGuest(Path socket, int ports, boolean remembers) throws IOException {
        this.remembers = remembers;
        driver = ConsoleDriver.start(socket.toString(), FrontendOptions.of(Manner.QEMU), ConsoleOptions.linux());
        echoes = new Echo[ports];
        Arrays.setAll(echoes, i -> new Echo());
        received = new StringBuilder[ports];
        Arrays.setAll(received, i -> new StringBuilder());
        present = new boolean[ports];
        hostOpen = new boolean[ports];
        thread.start();
    }

    private void run() {
        try {
            while (!stopped) {
                driver.turn(TURN_MS);
                for (int i = 0; i < received.length; i++) {
                    serve(driver.port(i));
                }
            }
        } catch (IOException | RuntimeException | Error e) {
            failure = e;
        }
    }

    private void serve(ConsolePort port) throws IOException {
        if (port.isPresent() && !port.isGuestOpen()) {
            driver.open(port.id());
        }
        boolean isPresent = port.isPresent();
        Echo echo = echoes[port.id()];
        int n = 0;
        if (!isPresent) {
            echo.sent = echo.length;
        } else if (echo.sent == echo.length) {
            n = port.read(echo.bytes, 0, echo.bytes.length);
            echo.sent = 0;
            echo.length = n;
        }
        echo.sent += port.write(echo.bytes, echo.sent, echo.length - echo.sent);
        synchronized (this) {
            present[port.id()] = isPresent;
            hostOpen[port.id()] = isPresent && port.isHostOpen();
            if (remembers) {
                received[port.id()].append(new String(echo.bytes, 0, n, ISO_8859_1));
            }
        }
    }

    /** What one port has got and not sent back yet; nothing more is taken before that is done. */
    private static final class Echo {
        final byte[] bytes = new byte[16 * 1024];
        int length;
        int sent;
    }

    /** What has come through a port since the last call of {@link #forget}, one character a byte. */
    synchronized String received(int port) {
        return received[port].toString();
    }

    synchronized void forget(int port) {
        received[port].setLength(0);
    }

    synchronized boolean isPresent(int port) {
        return present[port];
    }

    synchronized boolean isHostOpen(int port) {
        return hostOpen[port];
    }

    void awaitReceived(int port, String text) throws IOException {
        until("port " + port + " gets " + text, () -> received(port).contains(text));
    }

    void awaitHostOpen(int port, boolean open) throws IOException {
        until("port " + port + " open=" + open, () -> isHostOpen(port) == open);
    }

    /** Waits until something holds, as long as the guest runs. */
    void until(String what, ConsoleDriver.Condition condition) throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
        while (!condition.holds()) {
            Throwable cause = failure;
            if (cause != null) {
                throw new AssertionError("the guest has failed, before: " + what, cause);
            }
            if (System.nanoTime() > end) {
                throw new AssertionError("did not happen: " + what);
            }
            pause();
        }
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(TURN_MS);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
    }

    @Override
    public void close() {
        stopped = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
        driver.close();
    }
}
