package org.vportd.chardev.mux;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Opening;
import org.vportd.chardev.Options;
import org.vportd.chardev.WindowSize;
import org.vportd.handover.Parcel;
import org.vportd.loop.LoopTask;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;

/**
 * One front-end on any number of chardevs: all get its output, and it gets the input of all or of one of them. Open while
 * one of them is.
 *
 * <p>To the front-end, the window is as large as the smallest of its members' windows, so that all of them show everything.
 *
 * <p>Nothing is copied for a member. Output is taken from the front-end once all members that it waits for have it; until
 * then each member has its own position in what the front-end still holds.
 */
public final class HubChardev extends Multiplexer {
    /** The type {@code hub}. */
    public static final ChardevType TYPE = new ChardevType() {
        @Override
        public String name() {
            return "hub";
        }

        @Override
        public Set<String> keys() {
            return Set.of(HubOptions.WRITER);
        }

        @Override
        public boolean knows(String key) {
            return keys().contains(key) || HubOptions.isMemberKey(key);
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            return HubChardev.open(opening, HubOptions.parse(opening.options()));
        }
    };

    /** A hub that begins without members and is joined by those that name it with {@code mux-be-id}. */
    public static final ChardevType MUX_BE_TYPE = new ChardevType() {
        @Override
        public String name() {
            return "mux-be";
        }

        @Override
        public Set<String> keys() {
            return Set.of();
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            return HubChardev.open(opening, new HubOptions(List.of(), new HubOptions.Writer(true, null)));
        }
    };

    private static final int IGNORED_INPUT_LENGTH = 4096;
    private static final String MEMBERS = "members";
    private static final String OPEN_SINCE = "open-since";
    private static final String HISTORY = "history";

    private final List<HubMember> members = new ArrayList<>();
    private final List<HubMember> openOnes = new ArrayList<>();
    private final HubOptions.Writer writer;
    private final String typeName;
    private final List<Chardev> firstMembers;
    private final LoopTask resume;
    private @Nullable Parcel inherited;
    private final HubHistory history = new HubHistory();
    /** How far peers of chardevs that are no members any more are ahead: one of them may come back. */
    private final Map<Object, Long> departed = new WeakHashMap<>();

    private final IoVector ignoredInput = new IoVector();
    private long ignoredMemory;

    /**
     * How a member is doing.
     *
     * @param isOpen whether its peer is there
     * @param isWriter whether its input reaches the front-end
     * @param aheadBytes what it has had of the output that the front-end still holds
     * @param skippedBytes what it has missed
     */
    public record MemberStatus(
            String id, boolean isOpen, boolean isWriter, boolean throttles, long aheadBytes, long skippedBytes) {}

    private HubChardev(Opening opening, HubOptions options, List<Chardev> firstMembers) {
        super(opening.id());
        this.typeName = opening.options().string("backend", "hub");
        this.writer = options.writer();
        this.firstMembers = firstMembers;
        this.inherited = opening.inherited();
        this.resume = opening.loop().task(this::replayAgain);
        options.members().forEach(member -> members.add(new HubMember(this, member)));
    }

    private static HubChardev open(Opening opening, HubOptions asked) throws ConfigException {
        HubOptions options = opening.inherited() == null
                ? asked
                : asked.with(opening.inherited().parcels(MEMBERS).stream()
                        .map(HubOptions.Member::unpack)
                        .toList());
        if (!(opening.predecessor() instanceof HubChardev)) { // whatever is over a hub may be over another one
            checkNotUsedByAnother(opening);
        }
        List<Chardev> found = new ArrayList<>();
        for (HubOptions.Member member : options.members()) {
            Chardev chardev = opening.chardevs().find(member.id());
            if (chardev == null || chardev == opening.predecessor()) {
                throw new ConfigException("hub: chardev can't be found by id '" + member.id() + "'");
            }
            checkCanJoin(chardev);
            if (found.contains(chardev) || !isFree(chardev, opening.predecessor())) {
                throw new ConfigException("chardev '" + member.id() + "' is already in use");
            }
            found.add(chardev);
        }
        return new HubChardev(opening, options, found);
    }

    private static void checkCanJoin(Chardev chardev) throws ConfigException {
        if (chardev instanceof Multiplexer) {
            throw new ConfigException("hub: multiplexers and hub devices can't be stacked, check chardev '"
                    + chardev.id() + "', chardev should not be a hub device or have 'mux=on' enabled");
        }
    }

    @Override
    protected void begin(@Nullable Chardev predecessor) {
        if (predecessor instanceof HubChardev before) {
            inherit(before);
        }
        if (inherited != null) {
            history.unpack(inherited.parcel(HISTORY));
        }
        List<Parcel> former = inherited == null ? List.of() : inherited.parcels(MEMBERS);
        for (int i = 0; i < members.size(); i++) {
            if (i < former.size()) {
                members.get(i).unpack(former.get(i), firstMembers.get(i));
            }
            if (predecessor instanceof MuxChardev mux) {
                members.get(i).inherit(mux, firstMembers.get(i));
            }
            if (predecessor instanceof Multiplexer user) {
                user.letGo(firstMembers.get(i));
            }
            join(members.get(i), firstMembers.get(i));
        }
        if (predecessor instanceof HubChardev before) {
            openOnes.sort(Comparator.comparingInt(before::openSince));
        }
        if (inherited != null) {
            openOnes.sort(Comparator.comparingLong(
                    member -> former.get(members.indexOf(member)).number(OPEN_SINCE, 0)));
            inherited = null;
            resume.schedule();
        }
    }

    @Override
    protected void pack(Parcel into) {
        List<Parcel> inOrder = members.stream()
                .map(member -> member.pack().put(OPEN_SINCE, openSince(member)))
                .toList();
        into.put(MEMBERS, inOrder);
        Parcel newest = new Parcel();
        history.pack(newest);
        into.put(HISTORY, newest);
    }

    /** Goes on with what another process has begun to replay. */
    private void replayAgain() {
        for (int i = 0; i < members.size(); i++) {
            members.get(i).onWritable();
        }
    }

    private void inherit(HubChardev former) {
        history.inherit(former.history);
        for (HubMember member : members) {
            HubMember same = former.find(member.id());
            if (same != null) {
                member.inherit(same);
            }
        }
        departed.putAll(former.departed);
        former.members.stream().filter(member -> find(member.id()) == null).forEach(this::remember);
    }

    /** The place in the order in which members were opened; another hub's member of the same name may be asked for. */
    private int openSince(HubMember member) {
        HubMember same = find(member.id());
        return same == null || !openOnes.contains(same) ? members.size() : openOnes.indexOf(same);
    }

    private void join(HubMember member, Chardev chardev) {
        history.reserve(member.options().replayBytes());
        try {
            member.attach(chardev);
        } catch (ConfigException e) {
            throw new IllegalStateException("was free: chardev=" + chardev.id(), e);
        }
    }

    @Override
    public void addMember(Chardev chardev, Options options) throws ConfigException {
        checkCanJoin(chardev);
        if (chardev.isBusy()) {
            throw new ConfigException("chardev '" + chardev.id() + "' is already in use");
        }
        HubMember member =
                new HubMember(this, HubOptions.Member.parse(chardev.id(), options.string("slow"), options, "replay"));
        Long had = departed.remove(chardev.peer());
        member.skip(had == null ? 0 : had);
        members.add(member);
        member.frontend().setOpen(isFrontendOpen());
        join(member, chardev);
    }

    @Override
    public void removeMember(String memberId) throws ConfigException {
        HubMember member = find(memberId);
        if (member == null) {
            throw new ConfigException(
                    "hub: chardev '" + memberId + "' is not a member of '" + id() + "'",
                    "there are: "
                            + String.join(
                                    ", ", members.stream().map(HubMember::id).toList()));
        }
        remove(member);
    }

    private void remove(HubMember member) {
        members.remove(member);
        remember(member);
        member.detach();
        memberClosed(member);
    }

    private void remember(HubMember leaving) {
        Object peer = leaving.frontend().peer();
        if (peer != null && leaving.ahead() > 0) {
            departed.put(peer, leaving.ahead());
        }
    }

    private void departedAre(LongUnaryOperator ahead) {
        if (!departed.isEmpty()) {
            departed.replaceAll((peer, bytes) -> ahead.applyAsLong(bytes));
            departed.values().removeIf(bytes -> bytes <= 0);
        }
    }

    private @Nullable HubMember find(String memberId) {
        for (HubMember member : members) {
            if (member.id().equals(memberId)) {
                return member;
            }
        }
        return null;
    }

    @Override
    boolean uses(Chardev other) {
        return find(other.id()) != null;
    }

    /** Without a word to the front-end: the hub is about to be closed. */
    @Override
    void letGo(Chardev other) {
        HubMember member = find(other.id());
        if (member != null) {
            member.detach();
        }
    }

    @Override
    long hadOf(Chardev other) {
        HubMember member = find(other.id());
        return member == null ? 0 : member.ahead();
    }

    @Override
    byte[] begunFor(Chardev other) {
        HubMember member = find(other.id());
        return member == null ? new byte[0] : member.unreplayed();
    }

    @Override
    public List<String> uses() {
        return members.stream().map(HubMember::id).toList();
    }

    /** How the members are doing, in the order they joined. */
    public List<MemberStatus> members() {
        return members.stream()
                .map(member -> new MemberStatus(
                        member.id(),
                        member.isOpen(),
                        isWriter(member),
                        member.throttles(),
                        member.ahead(),
                        member.skippedBytes()))
                .toList();
    }

    HubHistory history() {
        return history;
    }

    @Override
    public String filename() {
        return typeName;
    }

    // --- output

    @Override
    public boolean takesOutput() {
        for (int i = 0; i < members.size(); i++) {
            if (members.get(i).takesOutput()) {
                return true;
            }
        }
        return false;
    }

    @Override
    protected long write(IoVector data) {
        long taken = data.bytes();
        for (int i = 0; i < members.size(); i++) {
            HubMember member = members.get(i);
            if (member.takesOutput()) {
                member.offer(data);
                if (member.throttles()) {
                    taken = Math.min(taken, member.ahead());
                }
            } else {
                member.forget(0);
            }
        }
        history.record(data, taken);
        for (int i = 0; i < members.size(); i++) {
            HubMember member = members.get(i);
            if (member.takesOutput()) {
                member.advance(taken);
            }
        }
        if (!departed.isEmpty()) {
            long gone = taken;
            departedAre(ahead -> ahead - gone);
        }
        return taken;
    }

    @Override
    protected void spill(IoVector data, long heldBytes) {
        for (int i = 0; i < members.size(); i++) {
            HubMember member = members.get(i);
            if (member.takesOutput()) {
                member.spill(data, heldBytes);
            }
        }
        departedAre(ahead -> Math.min(ahead, heldBytes));
    }

    @Override
    protected void forget(long keptBytes) {
        for (int i = 0; i < members.size(); i++) {
            members.get(i).forget(keptBytes);
        }
        departedAre(ahead -> Math.min(ahead, keptBytes));
    }

    void memberWritable() {
        writable();
    }

    // --- what happens to members

    void memberOpened(HubMember member) {
        if (!openOnes.contains(member)) {
            openOnes.add(member);
        }
        if (!isOpen()) {
            raise(ChardevEvent.OPENED);
        }
        memberWritable();
    }

    /** Also if its input has ended only: the front-end may have waited for it. */
    void memberClosed(HubMember member) {
        openOnes.remove(member);
        if (openOnes.isEmpty() && isOpen()) {
            raise(ChardevEvent.CLOSED);
        } else {
            memberResized();
            memberWritable();
            acceptInput(); // another one may be the writer now
        }
    }

    /** The size of a member's window is another one, or does not count any more. */
    void memberResized() {
        WindowSize smallest = null;
        for (HubMember member : members) {
            WindowSize size = member.size();
            if (size != null) {
                smallest = smallest == null ? size : smallest.within(size);
            }
        }
        if (smallest != null) {
            raiseSize(smallest.columns(), smallest.rows());
        }
    }

    boolean wantsSizeOfMembers() {
        return wantsSize();
    }

    void memberBreak(HubMember member) {
        if (isWriter(member)) {
            raise(ChardevEvent.BREAK);
        }
    }

    // --- input

    private boolean isWriter(HubMember member) {
        if (writer.all()) {
            return true;
        }
        return writer.id() == null ? openOnes.indexOf(member) == 0 : member.id().equals(writer.id());
    }

    /** The front-end's own, or for members who only look on, some that nobody reads. */
    IoVector buffersFor(HubMember member) {
        if (isWriter(member)) {
            return receiveBuffers();
        }
        if (ignoredMemory == 0) {
            ignoredMemory = NativeMemory.allocate(IGNORED_INPUT_LENGTH);
            ignoredInput.add(ignoredMemory, IGNORED_INPUT_LENGTH);
        }
        return ignoredInput;
    }

    void receivedFrom(HubMember member, long bytes) {
        if (isWriter(member)) {
            received(bytes);
        }
    }

    boolean isReceivingFor(HubMember member) {
        return !isWriter(member) || isReceiving();
    }

    void memberBuffersGone(MemoryFaultException fault) {
        buffersGone(fault);
    }

    @Override
    protected void acceptInput() {
        for (int i = 0; i < members.size(); i++) {
            members.get(i).frontend().acceptInput();
        }
    }

    @Override
    protected void frontendOpened(boolean isOpen) {
        members.forEach(member -> member.frontend().setOpen(isOpen));
    }

    @Override
    public void close() {
        resume.cancel();
        members.forEach(HubMember::detach);
        members.clear();
        openOnes.clear();
        history.close();
        ignoredInput.close();
        NativeMemory.free(ignoredMemory);
        ignoredMemory = 0;
    }
}
