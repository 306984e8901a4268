package org.vportd.monitor;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.chardev.ChardevHandler;
import org.vportd.chardev.ConfigException;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
import org.vportd.monitor.json.JsonBudget;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;

/**
 * What all monitors have in common: a chardev, input that is taken only as far as what it leads to is read, and names for
 * descriptors. All work is done at the end of a turn of the loop, never from within a call of the chardev.
 */
abstract class MonitorSession implements ChardevHandler, Requester, AutoCloseable {
    private final ChardevFrontend frontend = new ChardevFrontend(this);
    private final OutputQueue output;
    private final NamedDescriptors.Names names = new NamedDescriptors.Names();
    private final PassedDescriptors passed = new PassedDescriptors();
    private final IoVector buffers = new IoVector();
    private final byte[] input;
    private final long memory;
    private final LoopTask task;
    private int inputAt;
    private int inputEnd;
    private @Nullable Runnable afterReply;

    MonitorSession(EventLoop loop, JsonBudget budget, int inputBytes) {
        this.output = new OutputQueue(frontend, budget);
        this.input = new byte[inputBytes];
        this.memory = NativeMemory.allocate(inputBytes);
        this.task = loop.task(this::work);
    }

    /** Begins to use a chardev. Closes this if it has no place for one more user. */
    final void attach(Chardev chardev) throws ConfigException {
        frontend.setOpen(true);
        try {
            frontend.attach(chardev);
        } catch (ConfigException e) {
            close();
            throw e;
        }
    }

    /** Whether anybody is there to be read from. */
    abstract boolean isConnected();

    /** Looks at the input and writes output, as far as both go now. */
    abstract void work();

    // What the sessions do

    final OutputQueue output() {
        return output;
    }

    final void scheduleWork() {
        task.schedule();
    }

    /** The input that came last, of which {@link #inputAt} to {@link #inputEnd} has not been looked at. */
    final byte[] input() {
        return input;
    }

    final int inputAt() {
        return inputAt;
    }

    final int inputEnd() {
        return inputEnd;
    }

    final void setInputAt(int at) {
        inputAt = at;
    }

    final boolean hasInput() {
        return inputAt < inputEnd;
    }

    final void acceptInput() {
        frontend.acceptInput();
    }

    /** Forgets what the last one who was connected had begun. */
    final void forgetConnection() {
        inputAt = 0;
        inputEnd = 0;
        output.clear();
        passed.drop();
    }

    /** Does what was put off until the reply had been sent. */
    final void replied() {
        Runnable after = afterReply;
        if (after != null) {
            afterReply = null;
            after.run();
        }
    }

    // What the chardev calls

    @Override
    public final IoVector receiveBuffers() {
        buffers.clear();
        if (!hasInput() && isConnected() && output.pendingBytes() == 0) {
            buffers.add(memory, input.length);
        }
        return buffers;
    }

    @Override
    public final void received(long bytes) {
        NativeMemory.get(memory, input, 0, (int) bytes);
        inputAt = 0;
        inputEnd = (int) bytes;
        task.schedule();
    }

    @Override
    public final void buffersGone(MemoryFaultException fault) {
        throw new IllegalStateException("memory of the monitor's own was said to be gone", fault);
    }

    @Override
    public final boolean isReceiving() {
        return true;
    }

    @Override
    public final void onWritable() {
        task.schedule();
    }

    @Override
    public final boolean isReplaceable() {
        return false;
    }

    @Override
    public final boolean takesDescriptors() {
        return true;
    }

    @Override
    public final void descriptorsReceived(List<Fd> descriptors) {
        passed.put(descriptors);
    }

    // What commands call

    @Override
    public final NamedDescriptors.Names names() {
        return names;
    }

    @Override
    public final @Nullable Fd takePassed() {
        return passed.take();
    }

    @Override
    public final void afterReply(Runnable action) {
        afterReply = action;
    }

    /** The chardev it uses. */
    final String chardevId() {
        return frontend.chardevId();
    }

    /** Packs how far it has got with whoever is connected, for {@link #unpack} in another process. */
    abstract Parcel pack();

    /** Goes on where it was in another process. Its chardev has come from there, too. */
    abstract void unpack(Parcel from);

    /** Lets the chardev go. */
    @Override
    public void close() {
        frontend.detach();
        task.cancel();
        forgetConnection();
        names.close();
        output.close();
        buffers.close();
        NativeMemory.free(memory);
    }
}
