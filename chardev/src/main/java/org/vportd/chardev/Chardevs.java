package org.vportd.chardev;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.WeakHashMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;

/** The chardevs that exist, by id, and the types there are. Loop thread only. */
public final class Chardevs implements AutoCloseable {
    private static final String BASE_SUFFIX = "-base";
    private static final Logger LOG = System.getLogger(Chardevs.class.getName());
    private static final Set<String> COMMON_KEYS = Set.of("backend", "id", "mux", "mux-be-id");

    private final EventLoop loop;
    private final ChardevServices services;
    private final OutputLog.Type logType;
    private final Map<String, ChardevType> types = new TreeMap<>();
    private final Map<String, Chardev> byId = new LinkedHashMap<>();
    /** The part of the loop that each has for itself. */
    private final Map<String, EventLoop> parts = new HashMap<>();
    /** The same, also of those that have gone, as long as something of them lives there. */
    private final Set<EventLoop> allParts = Collections.newSetFromMap(new WeakHashMap<>());
    /** What each was made from, or changed to. */
    private final Map<String, Options> made = new HashMap<>();

    private BiConsumer<Chardev, ChardevEvent> observer = (chardev, event) -> {};

    /**
     * Makes an empty table.
     *
     * @param types what can be made
     * @param logType what options for a log every type has
     * @param services what the program around it offers to chardevs
     */
    public Chardevs(
            EventLoop loop, Collection<? extends ChardevType> types, OutputLog.Type logType, ChardevServices services) {
        this.loop = loop;
        this.logType = logType;
        this.services = services;
        types.forEach(type -> this.types.put(type.name(), type));
    }

    /** The names of the types, sorted. */
    public Set<String> typeNames() {
        return types.keySet();
    }

    /** The keys that options of a type can have, sorted; none if there is no such type. */
    public Set<String> keys(String typeName) {
        ChardevType type = types.get(typeName);
        return type == null ? Set.of() : keys(type);
    }

    private Set<String> keys(ChardevType type) {
        Set<String> keys = new TreeSet<>(type.keys());
        keys.addAll(COMMON_KEYS);
        keys.addAll(logType.keys());
        return keys;
    }

    /** Has somebody told of what happens to any of the chardevs, before its front-end is. */
    public void observe(BiConsumer<Chardev, ChardevEvent> by) {
        observer = by;
    }

    /**
     * Makes a chardev from its options and keeps it. With {@code mux=on} it makes two: one with {@code -base} added to the
     * id, and a multiplexer over it that gets the id.
     *
     * @throws ConfigException if the options do not fit, or what they name cannot be opened; nothing is left then
     */
    public Chardev add(Options options) throws ConfigException {
        String id = options.id();
        if (id == null) {
            throw new ConfigException("chardev: no id specified");
        }
        if (options.bool("mux", false)) {
            return addMultiplexed(id, options);
        }
        return add(id, options);
    }

    /**
     * What the user has to be told once of what options have made, see {@link Chardev#notice}. With {@code mux=on} it is
     * the one beneath that has something to tell.
     *
     * @throws ConfigException if nothing could be made from them
     */
    public Optional<String> notice(Options options) throws ConfigException {
        String suffix = options.bool("mux", false) ? BASE_SUFFIX : "";
        Chardev made = byId.get(options.id() + suffix);
        return made == null ? Optional.empty() : made.notice();
    }

    /**
     * Makes a chardev under an id of any form.
     *
     * @throws ConfigException as {@link #add(Options)}
     */
    public Chardev add(String id, Options options) throws ConfigException {
        ChardevType type = type(id, options);
        if (byId.containsKey(id)) {
            throw new ConfigException("Chardev with id '" + id + "' already exists");
        }
        Chardev chardev = open(type, id, options, null, null);
        chardev.start(null);
        register(chardev, options);
        String hub = options.string("mux-be-id");
        if (hub != null) {
            try {
                joinHub(chardev, hub);
            } catch (ConfigException e) {
                forget(chardev);
                throw e;
            }
        }
        return chardev;
    }

    private Chardev addMultiplexed(String id, Options options) throws ConfigException {
        if (options.has("mux-be-id")) {
            throw new ConfigException("chardev: mux and mux-be can't be used for the same device");
        }
        if (byId.containsKey(id)) {
            throw new ConfigException("Chardev with id '" + id + "' already exists");
        }
        String baseId = id + BASE_SUFFIX;
        add(baseId, options.without("mux").with("id", baseId));
        try {
            return add(id, Options.of(Map.of("backend", "mux", "chardev", baseId)));
        } catch (ConfigException e) {
            remove(baseId);
            throw e;
        }
    }

    private void joinHub(Chardev member, String hubId) throws ConfigException {
        Chardev hub = byId.get(hubId);
        if (hub == null) {
            throw new ConfigException("chardev: mux-be device can't be found by id '" + hubId + "'");
        }
        hub.addMember(member, Options.of(Map.of()));
    }

    private ChardevType type(String id, Options options) throws ConfigException {
        String name = options.string("backend");
        if (name == null || name.isEmpty()) {
            throw new ConfigException("chardev: \"" + id + "\" missing backend");
        }
        ChardevType type = types.get(name);
        if (type == null) {
            String refusal = UnavailableTypes.refusal(name);
            if (refusal != null) {
                throw new ConfigException(refusal);
            }
            throw new ConfigException(
                    "'" + name + "' is not a valid char driver name",
                    "there are: " + String.join(", ", types.keySet()));
        }
        return type;
    }

    private Chardev open(
            ChardevType type, String id, Options options, @Nullable Chardev predecessor, @Nullable Parcel inherited)
            throws ConfigException {
        checkKeys(type, id, options);
        EventLoop part = predecessor == null ? loop.part() : partOf(predecessor); // which may hand things over
        OutputLog log = inherited == null
                ? logType.open(part, id, options, services)
                : logType.open(part, id, options, services, inherited.parcel("log"));
        try {
            Parcel state = inherited == null ? null : inherited.parcel("state");
            Chardev chardev = type.open(new Opening(part, id, options, this, services, predecessor, state));
            parts.put(id, part);
            allParts.add(part);
            if (log != null) {
                chardev.setLog(log);
                log = null;
            }
            return chardev;
        } finally {
            if (log != null) {
                log.close();
            }
        }
    }

    /** A key that only other types know is no mistake to QEMU: the user is told, and it does nothing. */
    private void checkKeys(ChardevType type, String id, Options options) throws ConfigException {
        Set<String> accepted = keys(type);
        for (String key : options.keys()) {
            if (accepted.contains(key) || type.knows(key)) {
                continue;
            }
            if (types.values().stream().noneMatch(other -> other.knows(key))) {
                throw new InvalidOptionException(
                        "Invalid parameter '" + key + "'", type.name() + " accepts: " + String.join(", ", accepted));
            }
            LOG.log(Level.WARNING, "option has no effect: chardev=" + id + " type=" + type.name() + " option=" + key);
        }
    }

    private void register(Chardev chardev, Options options) {
        byId.put(chardev.id(), chardev);
        made.put(chardev.id(), options);
        chardev.setObserver((source, event) -> observer.accept(source, event));
    }

    /**
     * Puts a new chardev in the place of another one, under the same id and with the same front-ends. These hear OPENED if
     * the new one is open, CLOSED if only the old one was, and write what the old one had not taken to the new one.
     *
     * @param options those of the new one; an id among them is ignored
     * @return the new one
     * @throws ConfigException if that cannot be; the old one then goes on as if nothing had happened
     */
    public Chardev change(String id, Options options) throws ConfigException {
        Chardev old = byId.get(id);
        if (old == null) {
            throw new ConfigException("Chardev '" + id + "' does not exist");
        }
        List<ChardevFrontend> frontends = List.copyOf(old.frontends());
        for (ChardevFrontend frontend : frontends) {
            if (!frontend.handler().isReplaceable()) {
                throw new ConfigException("Chardev user does not support chardev hotswap");
            }
        }
        ChardevType type = type(id, options);
        checkIsForPresent(options);
        Chardev successor = open(type, id, options, old, null);
        if (frontends.size() > successor.maxFrontends()) {
            successor.dispose();
            throw new ConfigException(
                    "Chardev '" + id + "' change failed",
                    "it has " + frontends.size() + " users, the new one takes " + successor.maxFrontends());
        }
        replace(old, successor, options, frontends);
        return successor;
    }

    /** What makes a second chardev, or joins another one, is for {@link #add}: it would be left out without a word. */
    private static void checkIsForPresent(Options options) throws ConfigException {
        if (options.bool("mux", false)) {
            throw new ConfigException("Parameter 'mux' is for new chardevs only", "or change it to mux,chardev=BASE");
        }
        if (options.has("mux-be-id")) {
            throw new ConfigException("Parameter 'mux-be-id' is for new chardevs only", "or use hub-add");
        }
    }

    private void replace(Chardev old, Chardev successor, Options options, List<ChardevFrontend> frontends) {
        successor.start(old);
        old.setObserver((source, event) -> {});
        boolean[] wereOpen = new boolean[frontends.size()];
        for (int i = 0; i < wereOpen.length; i++) {
            wereOpen[i] = frontends.get(i).leave();
        }
        if (!frontends.isEmpty()) {
            frontends.get(0).owe(old.unwritten());
        }
        old.dispose();
        register(successor, options);
        for (int i = 0; i < wereOpen.length; i++) {
            frontends.get(i).moveTo(successor, wereOpen[i]);
        }
    }

    /** The chardev of an id, or null. */
    public @Nullable Chardev find(String id) {
        return byId.get(id);
    }

    /** The name of the type of one of them, as in {@code backend=}. */
    public String typeName(Chardev chardev) {
        return Objects.requireNonNull(made.get(chardev.id())).string("backend", "");
    }

    /** The part of the loop that a chardev of this table lives on, to be moved together with those it {@link Chardev#uses}. */
    public EventLoop partOf(Chardev chardev) {
        return Objects.requireNonNull(parts.get(chardev.id()));
    }

    /** All of them, in the order they were made. */
    public Collection<Chardev> all() {
        return byId.values();
    }

    /** Whether the program's start is to wait for a peer, see {@link Chardev#isAwaited}. */
    public boolean areAwaited() {
        return byId.values().stream().anyMatch(Chardev::isAwaited);
    }

    /**
     * Closes one and forgets it.
     *
     * @throws ConfigException if there is none or it is in use
     */
    public void remove(String id) throws ConfigException {
        Chardev chardev = byId.get(id);
        if (chardev == null) {
            throw new ConfigException("Chardev '" + id + "' not found");
        }
        if (chardev.isBusy()) {
            throw new ConfigException("Chardev '" + id + "' is busy");
        }
        forget(chardev);
    }

    private void forget(Chardev chardev) {
        byId.remove(chardev.id());
        chardev.dispose();
        parts.remove(chardev.id());
        made.remove(chardev.id());
    }

    // --- handover

    /**
     * Packs all of them, in the order they were made, for {@link #unpack} in another process. Nothing changes by that. To be
     * called between two turns of the loop, none of which may follow unless the handover has failed.
     */
    public List<Parcel> pack() {
        return byId.values().stream().map(this::pack).toList();
    }

    private Parcel pack(Chardev chardev) {
        Parcel parcel = new Parcel()
                .put("id", chardev.id())
                .put("options", Objects.requireNonNull(made.get(chardev.id())).canonical())
                .put("depth", depth(chardev));
        chardev.packWhole(parcel);
        return parcel;
    }

    /** How many layers of others it stands on. */
    private int depth(Chardev chardev) {
        return chardev.uses().stream()
                .mapToInt(id -> 1 + depth(Objects.requireNonNull(byId.get(id))))
                .max()
                .orElse(0);
    }

    /**
     * Has the chardevs of another process go on here, instead of {@link #add}. Nothing outside changes before the next turn
     * of the loop. Until then the handover may still fail: {@link #handedOver} is to be called then, so that
     * the other process can go on.
     *
     * <p>The front-ends of a multiplexer are told apart by the order in which they attach, which is to be that of {@link
     * Chardev#frontends}.
     *
     * @param parcels what {@link #pack} has answered there; whoever received them closes them
     * @throws ConfigException if one cannot go on; nothing is left here then
     */
    public void unpack(List<Parcel> parcels) throws ConfigException {
        List<Parcel> usedFirst = new ArrayList<>(parcels);
        usedFirst.sort(Comparator.comparingLong(parcel -> parcel.number("depth", 0)));
        boolean complete = false;
        try {
            for (Parcel parcel : usedFirst) {
                unpack(parcel);
            }
            complete = true;
        } finally {
            if (!complete) {
                handedOver();
            }
        }
        for (Parcel parcel : parcels) {
            String id = parcel.text("id");
            byId.put(String.valueOf(id), Objects.requireNonNull(byId.remove(id)));
        }
    }

    private void unpack(Parcel parcel) throws ConfigException {
        String id = parcel.text("id");
        String text = parcel.text("options");
        if (id == null || text == null) {
            throw new ConfigException("no chardev was handed over where there should be one");
        }
        try {
            if (byId.containsKey(id)) {
                throw new ConfigException("there is one of that id already");
            }
            Options options = Options.parse(text, "backend", warning -> {});
            Chardev chardev = open(type(id, options), id, options, null, parcel);
            chardev.start(null);
            register(chardev, options);
            if (chardev.unpackWhole(parcel)) {
                partOf(chardev).task(chardev::settleDebts).schedule();
            }
        } catch (ConfigException e) {
            throw e.within("chardev '" + id + "' cannot go on");
        }
    }

    /**
     * Says that another process goes on with all of them. They are closed, at once so that nothing is read or written any
     * more, and leave everything outside as it is: files, links, terminals and the peers of connections that were passed on.
     * Their front-ends hear nothing of it; what these write is not taken.
     */
    public void handedOver() {
        List<Chardev> newestFirst = newestFirst();
        newestFirst.forEach(chardev -> List.copyOf(chardev.frontends()).forEach(ChardevFrontend::freeze));
        forgetAll();
        newestFirst.forEach(Chardev::handOver);
    }

    /** Users before what they use. */
    private List<Chardev> newestFirst() {
        List<Chardev> newestFirst = new ArrayList<>(byId.values());
        Collections.reverse(newestFirst);
        return newestFirst;
    }

    private void forgetAll() {
        byId.clear();
        made.clear();
        parts.clear();
    }

    /** Closes all of them. TCP peers have a moment to take what is on its way to them. */
    @Override
    public void close() {
        List<Chardev> newestFirst = newestFirst();
        forgetAll();
        newestFirst.forEach(Chardev::dispose);
        ClosingSocket.closeAll(allParts);
    }
}
