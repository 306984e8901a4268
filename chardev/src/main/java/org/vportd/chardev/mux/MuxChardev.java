package org.vportd.chardev.mux;

import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.chardev.ChardevHandler;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Opening;
import org.vportd.chardev.WindowSize;
import org.vportd.handover.Parcel;
import org.vportd.loop.LoopTask;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;

/**
 * Up to four front-ends on one chardev. All write to it; what is typed there goes to the one that has the focus, which the
 * user moves with Ctrl-A c. Always open, as it has a use without a peer: the next one finds its front-ends where they are.
 */
public final class MuxChardev extends Multiplexer {
    /** The type {@code mux}. */
    public static final ChardevType TYPE = new ChardevType() {
        @Override
        public String name() {
            return "mux";
        }

        @Override
        public Set<String> keys() {
            return Set.of("chardev");
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            MuxChardev mux = new MuxChardev(opening, findBase(opening));
            if (opening.inherited() != null) {
                mux.unpack(opening.inherited());
            }
            return mux;
        }

        private Chardev findBase(Opening opening) throws ConfigException {
            checkNotUsedByAnother(opening);
            String id = opening.options().required("chardev", "chardev: mux: no chardev given");
            Chardev base = opening.chardevs().find(id);
            if (base == null || base == opening.predecessor()) {
                throw new ConfigException("mux: base chardev " + id + " not found");
            }
            if (base instanceof MuxChardev) {
                throw new ConfigException("chardev: multiplexers can't be stacked");
            }
            if (!isFree(base, opening.predecessor())) {
                throw new ConfigException("chardev '" + id + "' is already in use");
            }
            return base;
        }
    };

    /** The most front-ends. */
    public static final int MAX_FRONTENDS = 4;

    private static final int INPUT_LENGTH = 4096;

    private final ChardevServices services;
    private final Chardev firstBase;
    private final ChardevFrontend base = new ChardevFrontend(new Base());
    private final MuxSlot[] slots = new MuxSlot[MAX_FRONTENDS];
    private final LoopTask moreInput;
    /** Goes on with output that another process has begun. */
    private final LoopTask resume;

    private final MuxOutput output;
    private final MuxTimestamps timestamps;
    private final long input = NativeMemory.allocate(INPUT_LENGTH);
    private final IoVector inputBuffers = new IoVector();
    private final IoVector notice = new IoVector();
    private @Nullable MuxSlot focused;
    private int inputStart;
    private int inputEnd;
    private boolean escaped;
    private int heirs;
    private int inheritedFocus;

    private MuxChardev(Opening opening, Chardev base) {
        super(opening.id());
        this.services = opening.services();
        this.firstBase = base;
        this.moreInput = opening.loop().task(this::distribute);
        this.resume = opening.loop().task(this::outputAgain);
        this.output = new MuxOutput(this.base, base);
        this.timestamps = new MuxTimestamps(output, opening.loop()::nanoTime);
        for (int i = 0; i < slots.length; i++) {
            slots[i] = new MuxSlot(this);
        }
    }

    @Override
    protected void begin(@Nullable Chardev predecessor) {
        if (predecessor instanceof MuxChardev former) {
            inherit(former);
        } else if (predecessor instanceof HubChardev hub) {
            slots[0].skip(hub.hadOf(firstBase));
        }
        if (predecessor instanceof Multiplexer user) {
            base.owe(user.begunFor(firstBase));
            user.letGo(firstBase);
        }
        raise(ChardevEvent.OPENED);
        try {
            base.attach(firstBase);
        } catch (ConfigException e) {
            throw new IllegalStateException("was free: chardev=" + firstBase.id(), e);
        }
    }

    /** Goes on with what is under way in both directions, also if that comes from another chardev. */
    private void inherit(MuxChardev former) {
        Parcel state = new Parcel();
        former.pack(state);
        unpack(state);
        former.output.close(); // not to be asked for what was not written
        if (!former.uses(firstBase)) {
            Stream.of(slots).forEach(slot -> slot.skip(0));
        }
    }

    // --- handover

    @Override
    protected void pack(Parcel into) {
        into.put("frontends", frontends().size())
                .put("focus", focusedFrontend())
                .put("escaped", escaped)
                .put("input", bytes(input + inputStart, inputEnd - inputStart))
                .put("unwritten", output.unwritten())
                .put("timestamps", timestamps.pack())
                .put("places", inOrderOfFrontends().map(MuxChardev::pack).toList());
    }

    /** Places are given again from the first one on, so those that nobody has now come last. */
    private Stream<MuxSlot> inOrderOfFrontends() {
        return Stream.of(slots).sorted(Comparator.comparing(slot -> !slot.isBusy()));
    }

    private static Parcel pack(MuxSlot slot) {
        return new Parcel().put("typed", slot.typedAhead()).put("had", slot.had());
    }

    private void unpack(Parcel from) {
        heirs = (int) from.number("frontends", 0);
        inheritedFocus = (int) from.number("focus", 0);
        escaped = from.flag("escaped");
        byte[] undistributed = from.bytes("input");
        inputEnd = Math.min(undistributed.length, INPUT_LENGTH);
        NativeMemory.put(undistributed, 0, input, inputEnd);
        output.restore(from.bytes("unwritten"));
        timestamps.unpack(from.parcel("timestamps"));
        List<Parcel> places = from.parcels("places");
        for (int i = 0; i < Math.min(places.size(), slots.length); i++) {
            slots[i].restore(places.get(i).bytes("typed"));
            slots[i].skip(places.get(i).number("had", 0));
        }
        resume.schedule();
    }

    @Override
    boolean uses(Chardev other) {
        return base.isAttached() && firstBase.id().equals(other.id());
    }

    @Override
    void letGo(Chardev other) {
        if (uses(other)) {
            base.passOn();
        }
    }

    @Override
    long hadOf(Chardev other) {
        return uses(other) && frontends().size() == 1
                ? Stream.of(slots).mapToLong(MuxSlot::had).sum()
                : 0;
    }

    @Override
    byte[] begunFor(Chardev other) {
        return uses(other) ? base.owed() : new byte[0];
    }

    @Override
    protected byte[] unwritten() {
        return output.unwritten();
    }

    @Override
    public String filename() {
        return "mux";
    }

    // --- front-ends

    @Override
    protected Chardev place() {
        for (MuxSlot slot : slots) {
            if (!slot.isBusy()) {
                slot.happened(ChardevEvent.OPENED);
                return slot;
            }
        }
        throw new IllegalStateException("no place left: chardev=" + id());
    }

    @Override
    public List<ChardevFrontend> frontends() {
        return Stream.of(slots).flatMap(slot -> slot.frontends().stream()).toList();
    }

    @Override
    public int maxFrontends() {
        return MAX_FRONTENDS;
    }

    /** Of the one that has the focus. */
    @Override
    public boolean isFrontendOpen() {
        return focused != null && focused.isFrontendOpen();
    }

    private int focusedFrontend() {
        return focused == null ? 0 : frontends().indexOf(focused.frontends().get(0));
    }

    /** The newest front-end gets the focus, unless they come from another multiplexer, together. */
    void occupied(MuxSlot slot) {
        base.setOpen(true);
        if (heirs == 0 || slot == slots[inheritedFocus]) {
            focus(slot);
        }
        heirs = Math.max(0, heirs - 1);
    }

    void vacated(MuxSlot slot) {
        base.setOpen(Stream.of(slots).anyMatch(MuxSlot::isBusy));
        if (slot == focused) {
            MuxSlot next = next(slot);
            focused = null;
            if (next != null) {
                focus(next);
            }
        }
    }

    private void focus(MuxSlot slot) {
        MuxSlot former = focused;
        if (former == slot) {
            return;
        }
        focused = slot;
        if (former != null) {
            former.happened(ChardevEvent.MUX_OUT);
        }
        slot.happened(ChardevEvent.MUX_IN);
        moreInput.schedule();
    }

    private @Nullable MuxSlot next(MuxSlot from) {
        int index = List.of(slots).indexOf(from);
        for (int i = 1; i < slots.length; i++) {
            MuxSlot candidate = slots[(index + i) % slots.length];
            if (candidate.isBusy()) {
                return candidate;
            }
        }
        return null;
    }

    @Override
    public void sendBreak() {
        if (focused != null) {
            focused.happened(ChardevEvent.BREAK);
        }
    }

    // --- output

    @Override
    public List<String> uses() {
        return List.of(base.chardevId());
    }

    @Override
    public boolean takesOutput() {
        return base.takesOutput();
    }

    /** Takes output of a front-end, which may go to this one's own log, too. */
    long writeFor(IoVector data) {
        return output(data);
    }

    @Override
    protected long write(IoVector data) {
        return timestamps.write(data);
    }

    // --- input

    /** What is left of the last input is distributed before there is more. */
    private IoVector buffers() {
        inputBuffers.clear();
        if (inputStart == inputEnd) {
            inputBuffers.add(input, focused == null ? INPUT_LENGTH : focused.room(INPUT_LENGTH));
        }
        return inputBuffers;
    }

    void slotAcceptsInput() {
        moreInput.schedule();
    }

    private void distribute() {
        if (focused != null) {
            focused.giveTypedAhead();
        }
        while (inputStart < inputEnd) {
            int used = useInput(input + inputStart, inputEnd - inputStart);
            if (used == 0) {
                return; // until its front-end has room
            }
            inputStart += used;
        }
        inputStart = 0;
        inputEnd = 0;
        base.acceptInput();
    }

    /** Uses a key that belongs to a command, or all up to the next such key. */
    private int useInput(long address, int length) {
        byte escape = services.escape();
        byte first = NativeMemory.getByte(address);
        if (escaped && first != escape) {
            escaped = false;
            command(first);
            return 1;
        }
        if (!escaped && first == escape) {
            escaped = true;
            return 1;
        }
        int run = 1; // a second escape stands for itself
        while (!escaped && run < length && NativeMemory.getByte(address + run) != escape) {
            run++;
        }
        int given = focused == null ? run : focused.give(address, run);
        escaped &= given == 0;
        return given;
    }

    private void command(byte key) {
        switch (key) {
            case 'h', '?' -> say(help());
            case 'x' -> {
                say("vportd: Terminated\n\r");
                services.exit(0);
            }
            case 's' -> say("vportd: there is no disk to commit\n\r");
            case 'b' -> sendBreak();
            case 'c' -> {
                MuxSlot next = focused == null ? null : next(focused);
                if (next != null) {
                    focus(next);
                }
            }
            case 't' -> timestamps.toggle();
            default -> {} // goes with the escape
        }
    }

    private String help() {
        int code = services.escape() & 0xff;
        String name = code > 0 && code < 27 ? "C-" + (char) ('a' + code - 1) : "Escape-Char";
        return String.join(
                "\n\r",
                "",
                name + " h    show these keys",
                name + " x    end the program",
                name + " s    commit snapshots (there are none)",
                name + " t    times before lines on or off",
                name + " b    send a break",
                name + " c    go to the next user of this line",
                name + " " + name + "  send the key itself",
                "");
    }

    /** Whatever there is no room for is lost. */
    private void say(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        long memory = NativeMemory.allocate(bytes.length);
        try {
            NativeMemory.put(bytes, 0, memory, bytes.length);
            notice.clear();
            notice.add(memory, bytes.length);
            output.write(notice);
        } finally {
            NativeMemory.free(memory);
        }
    }

    private void outputAgain() {
        if (output.flush()) {
            for (MuxSlot slot : slots) {
                slot.roomAgain();
            }
        }
    }

    private final class Base implements ChardevHandler {
        @Override
        public IoVector receiveBuffers() {
            return buffers();
        }

        @Override
        public void received(long bytes) {
            inputEnd = (int) bytes;
            distribute();
        }

        @Override
        public void buffersGone(MemoryFaultException fault) {
            throw new IllegalStateException("own memory is gone", fault);
        }

        @Override
        public boolean isReceiving() {
            return focused == null || focused.hasRoomSoon();
        }

        @Override
        public void onWritable() {
            outputAgain();
        }

        @Override
        public boolean wantsSize() {
            return Stream.of(slots).anyMatch(MuxSlot::isSizeWanted);
        }

        /** Whoever does not have the focus now is shown in the same window later. */
        @Override
        public void resized(WindowSize size) {
            for (MuxSlot slot : slots) {
                slot.resized(size);
            }
        }

        @Override
        public void onEvent(ChardevEvent event) {
            for (MuxSlot slot : slots) {
                if (slot.isBusy()) {
                    slot.happened(event);
                }
            }
            if (event == ChardevEvent.CLOSED) {
                onWritable(); // a chardev without a peer takes all; one whose input has ended goes on
            }
        }
    }

    @Override
    protected void acceptInput() {
        moreInput.schedule();
    }

    @Override
    public void close() {
        base.detach();
        moreInput.cancel();
        resume.cancel();
        timestamps.close();
        output.close();
        for (MuxSlot slot : slots) {
            slot.close();
        }
        inputBuffers.close();
        notice.close();
        NativeMemory.free(input);
    }
}
