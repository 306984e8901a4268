package org.vportd.monitor;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ConfigException;
import org.vportd.handover.Parcel;
import org.vportd.loop.LoopTask;
import org.vportd.monitor.json.JsonException;
import org.vportd.monitor.json.JsonFramer;
import org.vportd.monitor.json.JsonText;
import org.vportd.monitor.schema.SchemaException;

/**
 * One monitor: a chardev, and whoever is connected to it. Commands are carried out one by one, in the order they come.
 *
 * <p>A client that does not read gets no further commands carried out while a response waits for it, and loses events
 * beyond {@link #MAX_PENDING_EVENT_BYTES}: it holds up nobody but itself. How many it has lost is logged.
 */
final class QmpSession extends MonitorSession {
    /** From how much unread output on further events are dropped. */
    static final long MAX_PENDING_EVENT_BYTES = 1 << 20;

    private static final Logger LOG = System.getLogger(QmpSession.class.getName());
    private static final int INPUT_BYTES = 16 * 1024;
    private static final int REQUESTS_PER_TURN = 32;
    private static final int MAX_DESCRIPTION_LENGTH = 8192;
    private static final String OUT_OF_BAND = "oob";

    private enum Phase {
        /** Nobody is connected. */
        DISCONNECTED,
        /** Only the negotiation of capabilities is possible. */
        NEGOTIATING,
        /** All commands are. */
        READY
    }

    private final String label;
    private final Monitors monitors;
    private final boolean pretty;
    private final boolean offersOutOfBand;
    private final JsonFramer framer;
    private Phase phase = Phase.DISCONNECTED;
    private boolean outOfBandEnabled;
    private long droppedEvents;
    private @Nullable LoopTask leaving;

    private QmpSession(String label, Monitors monitors, boolean pretty, boolean offersOutOfBand) {
        super(monitors.environment().loop(), monitors.budget(), INPUT_BYTES);
        this.label = label;
        this.monitors = monitors;
        this.pretty = pretty;
        this.offersOutOfBand = offersOutOfBand;
        this.framer = new JsonFramer(monitors.budget());
    }

    /**
     * Makes a monitor of a chardev.
     *
     * @throws ConfigException if the chardev has a user already
     */
    static QmpSession open(Monitors monitors, Chardev chardev, boolean pretty, boolean offersOutOfBand)
            throws ConfigException {
        QmpSession session = new QmpSession(chardev.id(), monitors, pretty, offersOutOfBand);
        session.attach(chardev);
        return session;
    }

    // What the chardev calls

    @Override
    public void onEvent(ChardevEvent event) {
        if (event == ChardevEvent.OPENED) {
            restart(Phase.NEGOTIATING);
            send(greeting());
        } else if (event == ChardevEvent.CLOSED) {
            restart(Phase.DISCONNECTED);
            if (leaving != null) {
                leaving.schedule();
            }
        }
    }

    @Override
    boolean isConnected() {
        return phase != Phase.DISCONNECTED;
    }

    private void restart(Phase next) {
        phase = next;
        outOfBandEnabled = false;
        droppedEvents = 0;
        framer.reset();
        forgetConnection();
    }

    private Map<String, Object> greeting() {
        return Map.of(
                "QMP",
                Members.of(
                        "version",
                        monitors.environment().version().toJson(),
                        "capabilities",
                        offersOutOfBand ? List.of(OUT_OF_BAND) : List.of()));
    }

    // What goes in and out, at the end of a turn

    /** Carries out what has come, as far as the client reads what that leads to. */
    @Override
    void work() {
        flush();
        for (int done = 0; output().pendingBytes() == 0; done++) {
            if (done == REQUESTS_PER_TURN) {
                scheduleWork();
                return;
            }
            setInputAt(framer.feed(input(), inputAt(), inputEnd()));
            if (!framer.isComplete()) {
                acceptInput();
                return;
            }
            monitors.environment().standstill().during(this::answerNext);
            flush();
            replied();
        }
    }

    /** Writes what waits, as far as the client takes it. Not from within a call of the chardev. */
    void flush() {
        output().flush();
        if (output().pendingBytes() == 0 && droppedEvents > 0) {
            LOG.log(Level.WARNING, "client has read again: monitor=" + label + " events_lost=" + droppedEvents);
            droppedEvents = 0;
        }
    }

    private void send(Map<String, ? extends @Nullable Object> message) {
        output().add(JsonText.line(message, pretty));
        scheduleWork();
    }

    /** Tells the client of an event, if it has got so far that it wants to know. */
    void sendEvent(Map<String, Object> event) {
        if (phase != Phase.READY) {
            return;
        }
        boolean mayWait = monitors.budget().left() > 0 || output().pendingBytes() < OutputQueue.STAGE_BYTES;
        if (mayWait && output().pendingBytes() < MAX_PENDING_EVENT_BYTES) {
            send(event);
        } else if (droppedEvents++ == 0) {
            LOG.log(Level.WARNING, "client does not read, events for it are dropped: monitor=" + label);
        }
    }

    private void answerNext() {
        Map<String, @Nullable Object> response = new LinkedHashMap<>();
        Object request = null;
        InternalError fault = null;
        try {
            request = framer.next();
            response.put("return", execute(request));
        } catch (JsonException e) {
            response.put("error", error(ErrorClass.GENERIC_ERROR, e.text()));
        } catch (QmpException e) {
            response.put("error", error(e.errorClass(), String.valueOf(e.getMessage())));
        } catch (InternalError e) { // perhaps late, and of memory that the command has nothing to do with
            response.put(
                    "error", error(ErrorClass.GENERIC_ERROR, "Given up, for shared memory has been cut meanwhile"));
            fault = e;
        }
        if (request instanceof Map<?, ?> members && members.containsKey("id")) {
            response.put("id", members.get("id"));
        }
        send(response);
        if (fault != null) {
            throw fault; // whoever has lost the memory has to hear of it
        }
    }

    /** Descriptions repeat names that the client has used, and those can be of any length. */
    private static Map<String, Object> error(ErrorClass errorClass, String description) {
        String shown = description;
        if (shown.length() > MAX_DESCRIPTION_LENGTH) {
            boolean splitsPair = Character.isHighSurrogate(shown.charAt(MAX_DESCRIPTION_LENGTH - 1));
            shown = shown.substring(0, MAX_DESCRIPTION_LENGTH - (splitsPair ? 1 : 0)) + "...";
        }
        return Members.of("class", errorClass.word(), "desc", shown);
    }

    // Commands

    private Object execute(@Nullable Object value) throws QmpException {
        if (!(value instanceof Map<?, ?> members)) {
            throw new QmpException("QMP input must be a JSON object");
        }
        Request request = Request.of(members, outOfBandEnabled);
        Command command = find(request);
        try {
            command.arguments().checkArguments(request.arguments());
        } catch (SchemaException e) {
            throw new QmpException(String.valueOf(e.getMessage()));
        }
        NamedDescriptors descriptors = monitors.environment().descriptors();
        descriptors.enter(names());
        try {
            Object result = command.action().run(new Arguments(request.arguments()), this);
            return result == null ? Map.of() : result;
        } catch (DeviceNotFoundException e) {
            throw new QmpException(ErrorClass.DEVICE_NOT_FOUND, String.valueOf(e.getMessage()));
        } catch (ConfigException e) {
            throw refusal(command, e);
        } finally {
            descriptors.leave();
        }
    }

    /** Clients compare messages to the letter, so what the hint adds is only told in the log. */
    private QmpException refusal(Command command, ConfigException e) {
        if (!e.hint().isEmpty()) {
            LOG.log(
                    Level.INFO,
                    "command refused: monitor=" + label + " command=" + command.name() + " error=" + e.explanation());
        }
        return new QmpException(String.valueOf(e.getMessage()));
    }

    private Command find(Request request) throws QmpException {
        if (phase == Phase.NEGOTIATING && !request.command().equals(SessionCommands.NEGOTIATION)) {
            throw new QmpException(
                    ErrorClass.COMMAND_NOT_FOUND,
                    "Expecting capabilities negotiation with '" + SessionCommands.NEGOTIATION + "'");
        }
        Command command = monitors.commands().find(request.command());
        if (command == null) {
            throw new QmpException(
                    ErrorClass.COMMAND_NOT_FOUND, "The command " + request.command() + " has not been found");
        }
        if (request.outOfBand() && !command.allowsOutOfBand()) {
            throw new QmpException("The command " + request.command() + " does not support OOB");
        }
        return command;
    }

    @Override
    public void negotiate(List<?> enable) throws QmpException {
        if (phase == Phase.READY) {
            throw new QmpException(
                    ErrorClass.COMMAND_NOT_FOUND, "Capabilities negotiation is already complete, command ignored");
        }
        for (Object capability : enable) { // the schema knows no other than this one
            if (!offersOutOfBand) {
                throw new QmpException("Capability " + capability + " not available");
            }
        }
        outOfBandEnabled = !enable.isEmpty();
        phase = Phase.READY;
    }

    @Override
    Parcel pack() {
        return new Parcel().put("phase", phase.name()).put("out_of_band", outOfBandEnabled);
    }

    @Override
    void unpack(Parcel from) {
        if (phase != Phase.DISCONNECTED && Phase.READY.name().equals(from.text("phase"))) {
            output().clear(); // the greeting: this client has had it
            phase = Phase.READY;
            outOfBandEnabled = from.flag("out_of_band");
        }
    }

    /** Has something done soon after the client has left. */
    void onLeave(Runnable action) {
        leaving = monitors.environment().loop().task(action);
    }

    /** Lets the chardev go. */
    @Override
    public void close() {
        if (leaving != null) {
            leaving.cancel();
        }
        phase = Phase.DISCONNECTED;
        framer.reset();
        super.close();
    }
}
