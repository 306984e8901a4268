package org.vportd.vhostuser.frontend;

import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_CONSOLE_PORT;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_DEVICE_READY;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_ADD;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_NAME;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_OPEN;
import static org.vportd.virtio.VirtioFeature.mask;

import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import org.vportd.serial.ConsoleLayout;
import org.vportd.vhostuser.protocol.ConfigRange;
import org.vportd.vhostuser.protocol.ProtocolFeature;
import org.vportd.vhostuser.protocol.U64;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.virtio.VirtioFeature;

/** Tells whether a back-end is a vhost-user console that the known front-ends can work with: one line for each check. */
public final class ConformanceCheck {
    private static final int UNKNOWN_REQUEST = 1000;
    private static final int UNKNOWN_EVENT = 99;
    private static final int NO_SUCH_PORT = 0xfffe;
    private static final int WRITES = 100;

    private final String socketPath;
    private final int port;
    private final RingFormat required;
    private final Consumer<String> out;
    private RingFormat format = RingFormat.SPLIT;
    private boolean passed = true;

    /** One check, with a connection of its own. */
    @FunctionalInterface
    private interface Check {
        void run() throws IOException;
    }

    private ConformanceCheck(String socketPath, int port, RingFormat required, Consumer<String> out) {
        this.socketPath = socketPath;
        this.port = port;
        this.required = required;
        this.out = out;
    }

    /**
     * Runs all checks; those of rings with each format that is offered.
     *
     * @param port a port that exists
     * @param required what has to be offered
     * @param out takes the lines
     * @return whether all have passed
     * @throws IOException if nobody listens there
     */
    public static boolean run(String socketPath, int port, RingFormat required, Consumer<String> out)
            throws IOException {
        VhostUserFrontend.connect(socketPath, FrontendOptions.of(Manner.QEMU)).close();
        ConformanceCheck check = new ConformanceCheck(socketPath, port, required, out);
        check.runAll();
        return check.passed;
    }

    private void runAll() {
        check("features", this::features);
        check("configuration space", this::configuration);
        checkRings();
        check("refusal of a ring that does not exist", this::unknownRing);
        check("refusal of an unknown request", this::unknownRequest);
        check("no acknowledgement without being asked", this::fences);
        check("nonsense on the control queue is ignored", this::nonsense);
        check("ports are announced again when asked again", this::readyTwice);
        check("many connections", this::connections);
        for (RingFormat other :
                List.of(new RingFormat(false, true), new RingFormat(true, false), new RingFormat(true, true))) {
            if (other.equals(required) || isOffered(other)) {
                format = other;
                checkRings();
            }
        }
        format = required;
        if (isOffered(mask(VirtioFeature.VIRTIO_F_ACCESS_PLATFORM))) {
            checkIommu();
        }
    }

    private void checkRings() {
        String with = format.equals(RingFormat.SPLIT) ? "" : " with " + format;
        for (Manner manner : Manner.values()) {
            check("handshake in the manner of " + manner + with, () -> handshake(manner));
            check("stop and resume in the manner of " + manner + with, () -> stopAndResume(manner));
            check("driver restart in the manner of " + manner + with, () -> restart(manner));
        }
        check("pages written are logged" + with, this::dirtyLog);
        check("state of the device, saved and loaded" + with, this::deviceState);
        check("queues without event indexes" + with, this::withoutEventIdx);
        check("buffer outside of memory breaks no more than the device" + with, this::brokenRing);
    }

    private void checkIommu() {
        for (Manner manner : Manner.values()) {
            check("driver behind an IOMMU in the manner of " + manner, () -> behindIommu(manner));
        }
        check("translations that have gone are not used", this::translationsGo);
        check("a buffer without translation stops no other queue", this::noTranslation);
    }

    private boolean isOffered(RingFormat other) {
        return isOffered(other.features());
    }

    private boolean isOffered(long features) {
        try (VhostUserFrontend frontend = connect(Manner.QEMU)) {
            return (features & ~frontend.offeredFeatures()) == 0;
        } catch (IOException e) {
            return false; // which other checks tell
        }
    }

    private void check(String name, Check body) {
        try {
            body.run();
            out.accept("PASS " + name);
        } catch (IOException e) {
            passed = false;
            out.accept("FAIL " + name + ": " + e.getMessage());
        } catch (RuntimeException e) { // a bug of ours, or nonsense that was not expected of a back-end
            passed = false;
            out.accept("FAIL " + name + ": " + e);
        }
    }

    private static void require(boolean holds, String what) throws FrontendException {
        if (!holds) {
            throw new FrontendException(what);
        }
    }

    private VhostUserFrontend connect(Manner manner) throws IOException {
        VhostUserFrontend frontend = VhostUserFrontend.connect(socketPath, FrontendOptions.of(manner));
        try {
            frontend.negotiate();
            return frontend;
        } catch (IOException e) {
            frontend.close();
            throw e;
        }
    }

    private ConsoleDriver start(Manner manner, ConsoleOptions options) throws IOException {
        ConsoleDriver driver = ConsoleDriver.start(socketPath, FrontendOptions.of(manner), options.withFormat(format));
        try {
            require(port < driver.maxPorts(), "no such port: port=" + port + " ports=" + driver.maxPorts());
            driver.awaitPort(port);
            driver.open(port);
            return driver;
        } catch (IOException e) {
            driver.close();
            throw e;
        }
    }

    private void features() throws IOException {
        try (VhostUserFrontend frontend = connect(Manner.QEMU)) {
            long features = frontend.offeredFeatures();
            require(VirtioFeature.has(features, VirtioFeature.VIRTIO_F_VERSION_1), "VERSION_1 is not offered");
            require(
                    VirtioFeature.has(features, ProtocolFeature.VHOST_USER_F_PROTOCOL_FEATURES),
                    "protocol features are not offered");
            long protocol = frontend.offeredProtocolFeatures();
            for (int bit : new int[] {
                ProtocolFeature.VHOST_USER_PROTOCOL_F_MQ,
                ProtocolFeature.VHOST_USER_PROTOCOL_F_REPLY_ACK,
                ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIG
            }) {
                require(ProtocolFeature.has(protocol, bit), "protocol feature is not offered: bit=" + bit);
            }
            require(
                    !ProtocolFeature.has(protocol, ProtocolFeature.VHOST_USER_PROTOCOL_F_XEN_MMAP),
                    "XEN_MMAP is offered, which QEMU takes without knowing it");
            require(frontend.queueCount() >= 2, "too few queues: queues=" + frontend.queueCount());
        }
    }

    private void configuration() throws IOException {
        try (VhostUserFrontend frontend = connect(Manner.QEMU)) {
            for (int[] range :
                    new int[][] {{0, 12}, {0, 8}, {4, 4}, {0, 1}, {7, 1}, {0, ConfigRange.MAX_CONFIG_BYTES}}) {
                frontend.readConfig(range[0], range[1]);
            }
            frontend.writeConfig(0, new byte[12]); // as QEMU does at every write of the guest
        }
    }

    private void handshake(Manner manner) throws IOException {
        try (ConsoleDriver driver = start(manner, ConsoleOptions.linux())) {
            if (!driver.isMultiport()) {
                return;
            }
            driver.frontend().fence();
            List<Integer> events = driver.controlLog().stream()
                    .filter(message -> message.port() == port)
                    .map(ControlMessage::event)
                    .toList();
            int last = -1;
            for (int event : new int[] {
                VIRTIO_CONSOLE_PORT_ADD, VIRTIO_CONSOLE_CONSOLE_PORT, VIRTIO_CONSOLE_PORT_NAME, VIRTIO_CONSOLE_PORT_OPEN
            }) {
                int at = events.lastIndexOf(event);
                require(at == -1 || at > last, "control messages are out of order: events=" + events);
                last = Math.max(last, at);
            }
            driver.stop();
        }
    }

    private void writeSome(ConsoleDriver driver, int count) throws IOException {
        byte[] line = new byte[64];
        for (int i = 0; i < count; i++) {
            driver.write(port, line);
        }
    }

    private void stopAndResume(Manner manner) throws IOException {
        try (ConsoleDriver driver = start(manner, ConsoleOptions.linux())) {
            DriverRing tx = driver.port(port).tx();
            boolean taken = driver.port(port).isConsole() || !driver.port(port).isHostOpen();
            for (int i = 0; i < 3; i++) {
                if (taken) {
                    writeSome(driver, WRITES);
                }
                driver.stop();
                int next = tx.driver().returned() + tx.driver().usedIndex();
                driver.port(port).isFlushed();
                require(tx.driver().usedIndex() == (next & 0xffff), "buffers were returned after the stop");
                driver.resume();
                if (driver.isMultiport()) {
                    driver.sendControl(port, VIRTIO_CONSOLE_PORT_OPEN, 1);
                }
            }
            driver.stop();
        }
    }

    private void restart(Manner manner) throws IOException {
        try (ConsoleDriver driver = start(manner, ConsoleOptions.linux())) {
            driver.restart(false);
            driver.awaitPort(port);
            driver.restart(true);
            driver.awaitPort(port);
            driver.stop();
        }
    }

    private void dirtyLog() throws IOException {
        try (ConsoleDriver driver = start(Manner.QEMU, ConsoleOptions.linux())) {
            VhostUserFrontend frontend = driver.frontend();
            boolean offered =
                    ProtocolFeature.has(frontend.protocolFeatures(), ProtocolFeature.VHOST_USER_PROTOCOL_F_LOG_SHMFD);
            if (!offered || !driver.isMultiport()) {
                return;
            }
            try (Migration migration = new Migration(driver)) {
                DriverRing tx = driver.rings().get(ConsoleLayout.CONTROL_TX_QUEUE);
                migration.takeDirtyPages();
                driver.sendControl(port, VIRTIO_CONSOLE_PORT_OPEN, 1);
                frontend.fence();
                long written = format.packed()
                        ? tx.driver().descriptorAddress()
                        : tx.driver().usedAddress();
                boolean logged = migration.takeDirtyPages().get((int) (written / Migration.PAGE_BYTES));
                require(logged, "a write to the ring is not logged");
                migration.cancel();
                migration.takeDirtyPages();
                driver.sendControl(port, VIRTIO_CONSOLE_PORT_OPEN, 1);
                frontend.fence();
                require(migration.takeDirtyPages().isEmpty(), "pages are logged although logging is off");
                driver.stop();
            }
        }
    }

    private void deviceState() throws IOException {
        try (ConsoleDriver driver = start(Manner.QEMU, ConsoleOptions.linux())) {
            VhostUserFrontend frontend = driver.frontend();
            if (!ProtocolFeature.has(frontend.protocolFeatures(), ProtocolFeature.VHOST_USER_PROTOCOL_F_DEVICE_STATE)) {
                return;
            }
            driver.stop();
            byte[] state = Migration.saveState(frontend);
            boolean refused = false;
            try {
                Migration.loadState(frontend, new byte[1]);
            } catch (FrontendException e) {
                refused = true;
            }
            require(refused, "nonsense was taken for the state of a device");
            Migration.loadState(frontend, state);
            driver.resume();
            if (driver.isMultiport()) {
                driver.sendControl(port, VIRTIO_CONSOLE_PORT_OPEN, 1);
            }
            driver.stop();
        }
    }

    private void unknownRing() throws IOException {
        try (VhostUserFrontend frontend = connect(Manner.UML)) {
            boolean refused = false;
            try {
                frontend.vrings().enable(UNKNOWN_REQUEST, true);
            } catch (FrontendException e) {
                refused = true;
            }
            require(refused, "a ring that does not exist was enabled");
            frontend.fence();
        }
    }

    private void unknownRequest() throws IOException {
        try (VhostUserFrontend frontend = connect(Manner.UML)) {
            frontend.messages().post(UNKNOWN_REQUEST, true, to -> {}, List.of());
            require(
                    U64.decode(frontend.messages().reply(UNKNOWN_REQUEST)).value() != 0,
                    "an unknown request succeeded");
            frontend.fence();
        } catch (VhostUserRequestException e) {
            throw new FrontendException("acknowledgement is malformed: " + e.getMessage());
        }
    }

    private void fences() throws IOException {
        try (VhostUserFrontend frontend = connect(Manner.CROSVM)) {
            for (int i = 0; i < 10; i++) {
                frontend.vrings().enable(i % 2, false);
                frontend.fence(); // an answer too many would be taken for this one's
            }
        }
    }

    private void nonsense() throws IOException {
        try (ConsoleDriver driver = start(Manner.QEMU, ConsoleOptions.linux())) {
            if (driver.isMultiport()) {
                driver.sendControl(NO_SUCH_PORT, VIRTIO_CONSOLE_PORT_OPEN, 1);
                driver.sendControl(port, UNKNOWN_EVENT, 1);
                driver.sendControl(port, VIRTIO_CONSOLE_PORT_ADD, 1);
                driver.sendControl(port, VIRTIO_CONSOLE_PORT_OPEN, 1);
            }
            driver.stop();
        }
    }

    private void readyTwice() throws IOException {
        try (ConsoleDriver driver = start(Manner.QEMU, ConsoleOptions.linux())) {
            if (driver.isMultiport()) {
                long before = added(driver);
                driver.sendControl(-1, VIRTIO_CONSOLE_DEVICE_READY, 1);
                driver.await("ports are announced again", () -> added(driver) > before);
            }
            driver.stop();
        }
    }

    private long added(ConsoleDriver driver) {
        return driver.controlLog().stream()
                .filter(message -> message.event() == VIRTIO_CONSOLE_PORT_ADD && message.port() == port)
                .count();
    }

    private void withoutEventIdx() throws IOException {
        ConsoleOptions options = ConsoleOptions.linux().withoutEventIdx().withQueueSize(4);
        try (ConsoleDriver driver = start(Manner.QEMU, options)) {
            driver.stop();
        }
    }

    private void brokenRing() throws IOException {
        try (ConsoleDriver driver = start(Manner.QEMU, ConsoleOptions.linux())) {
            DriverRing tx = driver.port(port).tx();
            tx.driver().addReadable(0, 16, 0);
            tx.publish();
            tx.kick();
            driver.frontend().fence();
            require(tx.driver().returned() == 0, "a buffer outside of memory was taken");
            driver.restart(true);
            driver.awaitPort(port);
            driver.stop();
        }
    }

    private static FrontendIommu iommu(ConsoleDriver driver) {
        FrontendIommu iommu = driver.frontend().iommu();
        if (iommu == null) {
            throw new IllegalStateException("driver is not behind an IOMMU");
        }
        return iommu;
    }

    private void behindIommu(Manner manner) throws IOException {
        try (ConsoleDriver driver = start(manner, ConsoleOptions.linux().withIommu())) {
            require(iommu(driver).misses() > 0, "no translation was asked for");
            driver.stop();
            driver.resume();
            driver.restart(true);
            driver.awaitPort(port);
            require(iommu(driver).faults() == 0, "accesses were not permitted");
            driver.stop();
        }
    }

    private void translationsGo() throws IOException {
        try (ConsoleDriver driver = start(Manner.QEMU, ConsoleOptions.linux().withIommu())) {
            for (int i = 0; i < 3; i++) {
                long before = iommu(driver).misses();
                iommu(driver).unmapAll();
                if (driver.isMultiport()) {
                    driver.sendControl(-1, VIRTIO_CONSOLE_DEVICE_READY, 1);
                    driver.awaitPort(port);
                    require(iommu(driver).misses() > before, "a translation was used that had gone");
                }
            }
            driver.stop();
        }
    }

    private void noTranslation() throws IOException {
        try (ConsoleDriver driver = start(Manner.QEMU, ConsoleOptions.linux().withIommu())) {
            DriverRing tx = driver.port(port).tx();
            long before = iommu(driver).misses();
            tx.driver().addReadable(0, 16, 0);
            tx.publish();
            tx.kick();
            driver.await("the translation is asked for", () -> iommu(driver).misses() > before);
            if (driver.isMultiport()) {
                driver.sendControl(port, UNKNOWN_EVENT, 1);
            }
            require(tx.driver().returned() == 0, "a buffer without translation was taken");
            driver.restart(true);
            driver.awaitPort(port);
            driver.stop();
        }
    }

    private void connections() throws IOException {
        for (int i = 0; i < WRITES; i++) {
            connect(Manner.QEMU).close();
        }
    }
}
