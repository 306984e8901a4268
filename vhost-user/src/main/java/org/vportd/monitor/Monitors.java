package org.vportd.monitor;

import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ConfigException;
import org.vportd.handover.Parcel;
import org.vportd.monitor.json.JsonBudget;

/**
 * The monitors of the program, and what they have in common: the commands, and the events that each of them is told.
 * Whoever makes this tells it of what happens, and closes it before the chardevs.
 */
public final class Monitors implements AutoCloseable {
    private final MonitorEnvironment environment;
    private final CommandTable commands = new CommandTable();
    private final EventQueue events;
    private final HumanCommands human;
    private final JsonBudget budget;
    private final List<QmpSession> sessions = new ArrayList<>();
    private final Map<String, QmpSession> byName = new HashMap<>();
    private final List<HumanSession> humanSessions = new ArrayList<>();

    /** Makes it, without monitors. */
    public Monitors(MonitorEnvironment environment) {
        this(environment, InstantSource.system(), new JsonBudget());
    }

    /** Makes one with its own idea of the time of day, and of how much memory there is, for tests. */
    Monitors(MonitorEnvironment environment, InstantSource clock, JsonBudget budget) {
        this.environment = environment;
        this.budget = budget;
        this.events = new EventQueue(environment.loop(), clock, this::send);
        new SessionCommands(environment, this).addTo(commands);
        new ChardevCommands(environment).addTo(commands);
        new RingbufCommands(environment.chardevs(), budget).addTo(commands);
        new HubCommands(environment.chardevs()).addTo(commands);
        new VcCommands(environment.chardevs()).addTo(commands);
        new DescriptorCommands(environment).addTo(commands);
        new DeviceCommands(environment).addTo(commands);
        new ObjectTree(environment).addTo(commands);
        new ConsoleCommands(environment.devices()).addTo(commands);
        human = new HumanCommands(environment, commands);
    }

    /**
     * Has QMP spoken over a chardev.
     *
     * @param pretty whether responses are spread over lines for people to read
     * @throws ConfigException if the chardev has a user already
     */
    public void addQmp(Chardev chardev, boolean pretty) throws ConfigException {
        addQmp(chardev, pretty, null, null);
    }

    /**
     * The same for a monitor that can be removed again.
     *
     * @param name by which it is removed, or null
     * @param onLeave run soon after its client has left, at a standstill
     */
    public void addQmp(Chardev chardev, boolean pretty, @Nullable String name, @Nullable Runnable onLeave)
            throws ConfigException {
        QmpSession added = addQmp(chardev, pretty, chardev.maxFrontends() == 1);
        if (name != null) {
            byName.put(name, added);
        }
        if (onLeave != null) {
            added.onLeave(() -> environment.standstill().during(onLeave));
        }
    }

    /**
     * Ends a monitor; its chardev is free then.
     *
     * @throws ConfigException if it is the one that the present command came over
     */
    public void removeQmp(String name) throws ConfigException {
        QmpSession session = byName.get(name);
        if (session == null) {
            throw new IllegalArgumentException("no such monitor: name=" + name);
        }
        if (environment.descriptors().isCurrent(session.names())) {
            throw new ConfigException("Cannot delete the current QMP monitor");
        }
        byName.remove(name);
        sessions.remove(session);
        session.close();
    }

    /** Commands that overtake others are not offered behind a multiplexer, whose input stops for other reasons. */
    QmpSession addQmp(Chardev chardev, boolean pretty, boolean offersOutOfBand) throws ConfigException {
        QmpSession added = QmpSession.open(this, chardev, pretty, offersOutOfBand);
        sessions.add(added);
        return added;
    }

    /**
     * Has a person control the program over a chardev.
     *
     * @throws ConfigException if the chardev has no place for one more user
     */
    public void addHuman(Chardev chardev) throws ConfigException {
        humanSessions.add(HumanSession.open(environment, human, budget, chardev));
    }

    /** What the commands may take that clients of all monitors are sending, and the answers that they do not read. */
    JsonBudget budget() {
        return budget;
    }

    HumanCommands human() {
        return human;
    }

    MonitorEnvironment environment() {
        return environment;
    }

    CommandTable commands() {
        return commands;
    }

    /**
     * Tells clients that the guest has opened or closed a port.
     *
     * @param deviceId the id of the port's device; null if it has none, and nobody is told then
     */
    public void portChanged(@Nullable String deviceId, boolean open) {
        if (deviceId != null) {
            events.emit(EventType.VSERPORT_CHANGE, Members.of("id", deviceId, "open", open));
        }
    }

    /**
     * Tells clients that a device has gone.
     *
     * @param deviceId its id, or null if it had none
     * @param path where it was in the tree of objects
     */
    public void deviceDeleted(@Nullable String deviceId, String path) {
        events.emit(
                EventType.DEVICE_DELETED,
                deviceId == null ? Map.of("path", path) : Members.of("device", deviceId, "path", path));
    }

    /**
     * Tells clients that somebody has connected to a chardev or has left it.
     *
     * @param filename what the chardev is called since then
     */
    public void chardevChanged(String id, boolean open, String filename) {
        events.emit(EventType.CHARDEV_CHANGE, Members.of("id", id, "open", open, "filename", filename));
    }

    /** Tells clients that one of them has ended the program. */
    void shuttingDown() {
        shuttingDown("host-qmp-quit");
    }

    /** Tells clients that a signal has ended the program, as far as they read. */
    public void endedBySignal() {
        shuttingDown("host-signal");
        flush();
    }

    private void shuttingDown(String reason) {
        events.emit(EventType.SHUTDOWN, Members.of("guest", false, "reason", reason));
    }

    /** A client knows that it is there itself. */
    private void send(Map<String, Object> event) {
        boolean isPeer = EventType.CHARDEV_CHANGE.name().equals(event.get("event"));
        Object id = event.get("data") instanceof Map<?, ?> data ? data.get("id") : null;
        for (QmpSession session : sessions) {
            if (!isPeer || !session.chardevId().equals(id)) {
                session.sendEvent(event);
            }
        }
    }

    /** Packs how far each monitor has got, for {@link #unpack} in another process that has made the same ones. */
    public List<Parcel> pack() {
        return all().map(session -> session.pack()
                        .put("chardev", session.chardevId())
                        .put("names", session.names().pack()))
                .toList();
    }

    /** Has monitors go on where they were in another process. */
    public void unpack(List<Parcel> parcels) {
        for (Parcel parcel : parcels) {
            all().filter(session -> session.chardevId().equals(parcel.text("chardev")))
                    .forEach(session -> {
                        session.unpack(parcel);
                        session.names().unpack(parcel.parcels("names"));
                    });
        }
    }

    private Stream<MonitorSession> all() {
        return Stream.concat(sessions.stream(), humanSessions.stream());
    }

    /** Writes what waits for any client, as far as it takes it. */
    void flush() {
        sessions.forEach(QmpSession::flush);
    }

    /** Lets go of all chardevs. */
    @Override
    public void close() {
        events.close();
        sessions.forEach(QmpSession::close);
        sessions.clear();
        byName.clear();
        humanSessions.forEach(HumanSession::close);
        humanSessions.clear();
        environment.descriptors().sets().close();
    }
}
