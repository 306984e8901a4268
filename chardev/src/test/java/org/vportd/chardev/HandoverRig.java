package org.vportd.chardev;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.handover.Parcel;
import org.vportd.handover.ParcelSocket;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.Sockets;

/**
 * Two tables of chardevs, each on a loop of its own, as in two processes: what is handed over passes through a socket, so
 * that its descriptors are new ones. At the end no descriptor is open that was not before.
 */
public final class HandoverRig implements AutoCloseable {
    private static final int PATIENCE_MS = 20_000;

    private final ChardevFixture fixture;
    private final TestLoop nextLoop;
    private final Chardevs before;
    private final Chardevs next;
    private final List<RecordingHandler> fronts = new ArrayList<>();

    /** Makes two empty tables of all types. */
    public HandoverRig() throws IOException {
        this(ChardevServices.NONE);
    }

    /** The same, in programs that offer something. */
    public HandoverRig(ChardevServices services) throws IOException {
        this(loop -> BuiltinTypes.table(loop, services));
    }

    /** Makes two empty tables. */
    public HandoverRig(Function<EventLoop, Chardevs> tables) throws IOException {
        fixture = new ChardevFixture();
        before = fixture.closing(tables.apply(fixture.loop().loop()));
        nextLoop = new TestLoop();
        next = tables.apply(nextLoop.loop());
    }

    /** The chardevs that are handed over. */
    public Chardevs before() {
        return before;
    }

    /** Those that go on. */
    public Chardevs next() {
        return next;
    }

    /** The loop of the former. */
    public TestLoop loop() {
        return fixture.loop();
    }

    /** The loop of the latter. */
    public TestLoop nextLoop() {
        return nextLoop;
    }

    /** Makes a chardev to be handed over. */
    public Chardev add(String options) throws ConfigException {
        return before.add(Options.parse(options, "backend", warning -> {}));
    }

    /** Makes one, with a front-end that takes no input for now. */
    public RecordingHandler front(String options) throws ConfigException {
        return attach(add(options));
    }

    /** Attaches a front-end that takes no input for now. */
    public RecordingHandler attach(Chardev chardev) {
        RecordingHandler front = fixture.attach(chardev);
        fronts.add(front);
        return front;
    }

    /** The chardev of an id that goes on. */
    public Chardev goneOn(String id) {
        return Objects.requireNonNull(next.find(id));
    }

    /** Attaches a front-end, that takes no input for now, to one that goes on. */
    public RecordingHandler frontOfNext(String id) {
        return fixture.attach(goneOn(id));
    }

    /** Has something closed at the end, before the chardevs are. */
    public <T extends AutoCloseable> T closing(T closeable) {
        return fixture.closing(closeable);
    }

    /** Turns the second loop until something is so. */
    public void until(String what, BooleanSupplier condition) {
        nextLoop.until(what, condition);
    }

    /** The chardevs as the other process gets them; to be closed. */
    public Parcel pass() throws Exception {
        return pass(before);
    }

    /** The same for other chardevs. */
    static Parcel pass(Chardevs chardevs) throws Exception {
        Parcel all = new Parcel().put("chardevs", chardevs.pack());
        Fd[] pair = Sockets.pair();
        try (ParcelSocket from = new ParcelSocket(pair[0], PATIENCE_MS);
                ParcelSocket to = new ParcelSocket(pair[1], PATIENCE_MS)) {
            CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> {
                try {
                    from.send(all);
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            Parcel received = to.receive();
            sent.get(PATIENCE_MS, TimeUnit.MILLISECONDS);
            return received;
        }
    }

    /** Hands over, up to where the first process has ended. */
    public void handOver() throws Exception {
        try (Parcel received = pass()) {
            next.unpack(received.parcels("chardevs"));
        }
        fronts.removeIf(front -> !front.frontend().isAttached());
        before.handedOver();
        fixture.loop().settle(); // nothing may happen any more
        for (RecordingHandler front : fronts) {
            int heard = front.events().size();
            if (front.frontend().isAttached() || front.write("lost") != 0) {
                throw new AssertionError("goes on in the first process");
            }
            front.close();
            if (front.events().size() != heard) {
                throw new AssertionError("was told: " + front.events());
            }
        }
        before.close();
    }

    @Override
    public void close() throws IOException {
        fixture.close(next, nextLoop);
    }
}
