package org.vportd.guest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Ports that come and go while a guest runs. Their device has the id "hot", as has their chardev. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class PlugTests {
    static final Duration TRANSFER = Duration.ofSeconds(40);
    static final Duration SHORT = Duration.ofSeconds(10);

    private static final int ROUNDS = Integer.getInteger("vportd.plugs", 10);
    private static final String HOT = "/dev/virtio-ports/hot";
    private static final String IS_THERE = "[ -c " + HOT + " ]";
    /** With its link: left dangling, it would show the next port of the number before that has its name, and go then. */
    private static final String IS_GONE = "[ ! -L " + HOT + " ] && [ ! -e /sys/class/virtio-ports/vport*p7 ]";

    @RegisterExtension
    final KeptRig kept;

    private DaemonMonitor monitor;

    PlugTests(Rig.Starter starter) {
        kept = new KeptRig(starter, dir -> List.of("-qmp", "unix:" + dir.resolve("control") + ",server=on,wait=off"));
    }

    Rig rig() {
        return kept.rig();
    }

    DaemonMonitor monitor() {
        return monitor;
    }

    String run(String command) {
        return rig().console().run(command, TRANSFER);
    }

    @BeforeEach
    void connectMonitor() throws IOException {
        monitor = DaemonMonitor.connect(rig().dir().resolve("control"));
    }

    @AfterEach
    void leaveMonitor() throws IOException {
        monitor.close();
    }

    private Path hotSocket() {
        return rig().dir().resolve("hot");
    }

    void addSocket() {
        Object unused = monitor.run(
                "chardev-add",
                "'id': 'hot', 'backend': {'type': 'socket', 'data': {'addr': {'type': 'unix', 'data': {'path': '"
                        + hotSocket() + "'}}, 'server': true, 'wait': false}}");
    }

    void plug() {
        Object unused = monitor.run(
                "device_add", "'driver': 'virtserialport', 'id': 'hot', 'chardev': 'hot', 'name': 'hot', 'nr': 7");
    }

    void unplug() {
        Object unused = monitor.run("device_del", "'id': 'hot'");
        assertEquals(
                Map.of("device", "hot", "path", "/machine/peripheral/hot"),
                DaemonMonitor.data(monitor.awaitEvent("DEVICE_DELETED", SHORT)));
    }

    void awaitPort() {
        rig().awaitInGuest(IS_THERE, "no port has come");
    }

    void awaitNoPort() {
        rig().awaitInGuest(IS_GONE, "the port has not gone");
    }

    void removeChardev() {
        Object unused = monitor.run("chardev-remove", "'id': 'hot'");
    }

    HostPeer connectHot() throws IOException {
        return HostPeer.connect(hotSocket(), SHORT);
    }

    void openHot() {
        assertEquals("up", run("exec 5<>" + HOT + "; portwait 5 up 10000"));
    }

    void assertBothWays(HostPeer peer, int seed) throws Exception {
        Future<HostPeer.Transfer> received = rig().inBackground(() -> peer.receive(300_000, TRANSFER));
        GuestTests.assertTransfer(seed, 300_000, run("portsend 5 300000 " + seed));
        GuestTests.assertTransfer(seed, 300_000, GuestTests.await(received));
        Future<String> sent = rig().inBackground(() -> peer.send(300_000, seed + 1, TRANSFER));
        GuestTests.assertTransfer(seed + 1, 300_000, run("portrecv 5 300000"));
        assertEquals(GuestTests.pattern(seed + 1, 300_000), GuestTests.await(sent));
    }

    @Test
    @DisplayName("VS-35 QMP-09 a port comes, works and goes, and its chardev is free then")
    void portComesAndGoes() throws Exception {
        // Not a plain file of that name, which would take what is meant for the port.
        assertEquals("refused", run("(: 5<>" + HOT + ") 2>/dev/null || echo refused"));
        addSocket();
        try (HostPeer peer = connectHot()) {
            plug();
            awaitPort();
            assertEquals("hot", run("cat /sys/class/virtio-ports/vport*p7/name"));
            openHot();
            assertBothWays(peer, 1);
            String unused = run("exec 5>&-");

            unplug();
            awaitNoPort();
            removeChardev();
            peer.awaitEnd(SHORT);
        }
    }

    @Test
    @DisplayName("VS-35 VS-36 a port goes while it is used, several times, and comes again with the same number")
    void portGoesWhileItIsUsed() throws Exception {
        addSocket();
        try (HostPeer peer = connectHot()) {
            for (int round = 0; round < ROUNDS; round++) {
                plug();
                awaitPort();
                openHot();
                String line = "round" + round;
                String unused = run("echo " + line + " >&5");
                assertEquals(line, receiveLine(peer, line));
                peer.send(("answer" + round + "\n").getBytes(UTF_8), SHORT);
                assertEquals("answer" + round, run("read -r answer <&5; echo $answer"));
                boolean reads = round % 5 == 1;
                boolean writes = round % 5 == 3;
                String user = reads || writes ? startUser(reads) : "";

                unplug();

                if (reads || writes) {
                    String result = run("wait " + user + "; cat /tmp/used");
                    assertTrue(result.endsWith(" error=No such device"), result);
                }
                if (writes) {
                    discardPattern(peer);
                }
                unused = run("exec 5>&-");
                awaitNoPort();
            }
        }
        removeChardev();
    }

    /** If it does not come, what the daemon thinks of the port is told. */
    private String receiveLine(HostPeer peer, String expected) throws IOException {
        try {
            return peer.receiveLine(SHORT);
        } catch (AssertionError e) {
            Object tree = monitor.run("human-monitor-command", "'command-line': 'info qtree'");
            throw new AssertionError("expected " + expected + ", the devices are: " + tree, e);
        }
    }

    /** A process in the guest that sleeps in a read, or in a write as the queue is full. */
    private String startUser(boolean reads) {
        String user = run(
                (reads ? "portrecv -n 5 10" : "portsend 5 " + GuestTests.SIZE + " 77") + " >/tmp/used 2>&1 & echo $!");
        if (!reads) {
            rig().awaitInGuest(GuestTests.PORT_IS_FULL, "port never fills");
        }
        rig().awaitAsleep(user);
        return user;
    }

    /** Takes what was on its way when the port went, an unbroken beginning of the pattern. */
    static void discardPattern(HostPeer peer) throws IOException {
        HostPeer.Transfer rest = peer.receiveAll(Duration.ofMillis(200));
        assertTrue(rest.bytes() > 0 && rest.bytes() < GuestTests.SIZE);
        assertEquals(GuestTests.pattern(77, rest.bytes()), rest.sha256());
    }

    @Test
    @DisplayName("VS-35 a console comes with a shell, and goes while the shell runs, twice")
    void consoleComesAndGoes() throws Exception {
        for (int round = 0; round < 2; round++) {
            String before = run("consoles");
            Map<?, ?> made = monitor.read("chardev-add", "'id': 'hot', 'backend': {'type': 'pty', 'data': {}}");
            try (Terminal pty = Terminal.open(Path.of(String.valueOf(made.get("pty"))))) {
                Object unusedResult =
                        monitor.run("device_add", "'driver': 'virtconsole', 'id': 'hot', 'chardev': 'hot'");
                rig().awaitInGuest("[ \"$(consoles)\" != '" + before + "' ]", "no console has come");
                String device =
                        "/dev/" + run("consoles").substring(before.length()).strip();
                String loop = run("console " + device + " >/dev/null 2>&1 & echo $!");
                Console shell = Console.on(pty, () -> "");
                shell.awaitShell(SHORT);
                assertEquals(device, shell.run("tty"));
                String unused = run("kill " + loop);

                unplug();

                rig().awaitInGuest("[ \"$(consoles)\" = '" + before + "' ]", "the console has not gone");
                rig().awaitInGuest("! fuser " + device + " >/dev/null 2>&1", "its shell has not ended");
            }
            removeChardev();
        }
    }

    @Test
    @DisplayName("QMP-07 the monitor hears who opens and closes a port, at most once a second, and the last state")
    void openingIsHeard() {
        addSocket();
        plug();
        awaitPort();
        long startNs = System.nanoTime();
        String unused = run("exec 5<>" + HOT);
        Map<?, ?> opened = monitor.awaitEvent("VSERPORT_CHANGE", SHORT);
        assertEquals(Map.of("id", "hot", "open", true), DaemonMonitor.data(opened));

        unused = run("for i in 1 2 3 4 5; do exec 5>&-; exec 5<>" + HOT + "; done; exec 5>&-");
        int heard = 1;
        boolean open = true;
        while (open) {
            Map<?, ?> next = DaemonMonitor.data(monitor.awaitEvent("VSERPORT_CHANGE", SHORT));
            assertEquals("hot", next.get("id"));
            open = Boolean.TRUE.equals(next.get("open"));
            heard++;
        }
        double seconds = (System.nanoTime() - startNs) / 1e9;
        assertTrue(heard <= 1 + Math.ceil(seconds), "too often: heard=" + heard + " seconds=" + seconds);
        unplug();
        removeChardev();
        awaitNoPort();
    }

    @Test
    @DisplayName("VS-35 VS-36 a port plugged before a reboot is there after it, one unplugged during it is not")
    void rebootKeepsPorts() throws Exception {
        addSocket();
        plug();
        awaitPort();
        try (HostPeer peer = connectHot()) {
            openHot();
            String unused = run("portsend 5 " + GuestTests.SIZE + " 77 >/dev/null & :");
            rig().awaitInGuest(GuestTests.PORT_IS_FULL, "port never fills");
            rig().reboot();
            discardPattern(peer);
            awaitPort();
            openHot();
            assertBothWays(peer, 3);
            rig().reboot(this::unplug);
            awaitNoPort();
        }
        removeChardev();
    }
}
