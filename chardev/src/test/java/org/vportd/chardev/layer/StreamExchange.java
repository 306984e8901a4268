package org.vportd.chardev.layer;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.vportd.chardev.Pattern;
import org.vportd.chardev.RecordingHandler;
import org.vportd.chardev.TestLoop;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/** Moves much data both ways at once between a front-end and a client that blocks, and compares every byte. */
final class StreamExchange implements AutoCloseable {
    private static final int MAX_WRITE = 96 * 1024;
    private static final long DEADLINE_NS = TimeUnit.SECONDS.toNanos(60);

    private final TestLoop loop;
    private final RecordingHandler handler;
    private final long seed;
    private final Random random;
    private final long memory = NativeMemory.allocate(MAX_WRITE);
    private final IoVector data = new IoVector();
    private long written;
    private boolean blocked;

    StreamExchange(TestLoop loop, RecordingHandler handler, long seed) {
        this.loop = loop;
        this.handler = handler.checkingPattern();
        this.seed = seed;
        this.random = new Random(seed);
        handler.whenWritable(() -> blocked = false);
    }

    void run(InputStream in, OutputStream out, long totalBytes) {
        CompletableFuture<Void> writing =
                CompletableFuture.runAsync(() -> send(out, totalBytes), StreamExchange::start);
        CompletableFuture<Void> reading =
                CompletableFuture.runAsync(() -> receive(in, totalBytes), StreamExchange::start);
        long deadline = System.nanoTime() + DEADLINE_NS;
        while (!writing.isDone() || !reading.isDone() || handler.receivedBytes() < totalBytes) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("stalled: seed=" + seed + " written=" + written + " blocked=" + blocked
                        + " received=" + handler.receivedBytes() + " writing=" + writing + " reading=" + reading);
            }
            step(totalBytes);
            if (writing.isCompletedExceptionally() || reading.isCompletedExceptionally()) {
                break;
            }
        }
        writing.join();
        reading.join();
    }

    private static void start(Runnable task) {
        Thread thread = new Thread(task, "peer");
        thread.setDaemon(true);
        thread.start();
    }

    private void step(long totalBytes) {
        if (random.nextInt(3) > 0) {
            handler.grant(size(100_000));
        }
        if (!blocked && written < totalBytes) {
            write((int) Math.min(totalBytes - written, size(MAX_WRITE)));
        }
        loop.loop().turn(blocked || written == totalBytes ? 1 : 0);
    }

    private int size(int max) {
        return 1 + random.nextInt(random.nextInt(4) > 0 ? max : 100);
    }

    private void write(int bytes) {
        Pattern.fill(memory, written, bytes);
        data.clear();
        int parts = 1 + random.nextInt(8);
        for (int i = 0, at = 0; i < parts; i++) {
            int length = i == parts - 1 ? bytes - at : (bytes - at) / 2;
            data.add(memory + at, length);
            at += length;
        }
        long n = handler.frontend().write(data);
        blocked |= n < bytes;
        written += n;
    }

    private void send(OutputStream out, long totalBytes) {
        Random sizes = new Random(seed + 1);
        try {
            for (long position = 0; position < totalBytes; ) {
                byte[] part = new byte[(int) Math.min(totalBytes - position, 1 + sizes.nextInt(60_000))];
                for (int i = 0; i < part.length; i++) {
                    part[i] = Pattern.at(position + i);
                }
                out.write(part);
                position += part.length;
            }
            out.flush();
        } catch (IOException e) {
            throw new AssertionError("seed=" + seed, e);
        }
    }

    private void receive(InputStream in, long totalBytes) {
        Random sizes = new Random(seed + 2);
        byte[] part = new byte[60_000];
        try {
            for (long position = 0; position < totalBytes; ) {
                int n = in.read(part, 0, 1 + sizes.nextInt(part.length));
                if (n < 0) {
                    throw new AssertionError("ended: seed=" + seed + " position=" + position);
                }
                for (int i = 0; i < n; i++) {
                    if (part[i] != Pattern.at(position + i)) {
                        throw new AssertionError("differs: seed=" + seed + " position=" + (position + i));
                    }
                }
                position += n;
            }
        } catch (IOException e) {
            throw new AssertionError("seed=" + seed, e);
        }
    }

    @Override
    public void close() {
        data.close();
        NativeMemory.free(memory);
    }
}
