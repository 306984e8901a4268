package org.vportd.posix;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Accesses memory whose file was truncated, in every way there is; also a program, for a JVM of other flags.
 *
 * <p>JDK 17 delivers the error when it pleases: after many accesses, and then at any later point of the same thread. So each
 * kind of access has a thread of its own, which the error may end. While it interprets the code it may not deliver the error
 * at all; what counts then is that the JVM lives on.
 */
final class TruncatedMemory {
    private static final long PAGE = 4096;
    private static final int LENGTH = 100;
    private static final long DEADLINE_NS = TimeUnit.SECONDS.toNanos(20);
    private static final long INTERPRETED_NS = TimeUnit.MILLISECONDS.toNanos(50);

    private final long timeNs;
    private final boolean errorDemanded;

    private TruncatedMemory(long timeNs, boolean errorDemanded) {
        this.timeNs = timeNs;
        this.errorDemanded = errorDemanded;
    }

    public static void main(String[] args) throws Exception {
        new TruncatedMemory(INTERPRETED_NS, false).run();
    }

    /** Runs in this JVM, in which each kind of access must meet the error. */
    static void runHere() throws Exception {
        new TruncatedMemory(DEADLINE_NS, true).run();
    }

    private void run() throws Exception {
        long own = NativeMemory.allocate(PAGE);
        try (Fd file = Posix.memoryFile("test", 4 * PAGE);
                MappedMemory memory = MappedMemory.map(file, 0, 4 * PAGE)) {
            long gone = memory.address() + 2 * PAGE;
            Posix.resize(file, PAGE);
            byte[] array = new byte[LENGTH];
            mustFail("getU16", () -> LittleEndian.getU16(gone));
            mustFail("getInt", () -> LittleEndian.getInt(gone));
            mustFail("getLong", () -> LittleEndian.getLong(gone));
            mustFail("getByte", () -> NativeMemory.getByte(gone));
            mustFail("putU16", () -> LittleEndian.putU16(gone, 1));
            mustFail("putInt", () -> LittleEndian.putInt(gone, 1));
            mustFail("putLong", () -> LittleEndian.putLong(gone, 1));
            mustFail("putByte", () -> NativeMemory.putByte(gone, (byte) 1));
            mustFail("get", () -> NativeMemory.get(gone, array, 0, LENGTH));
            mustFail("put", () -> NativeMemory.put(array, 0, gone, LENGTH));
            mustFail("copy from", () -> NativeMemory.copy(gone, own, LENGTH));
            mustFail("copy to", () -> NativeMemory.copy(own, gone, LENGTH));
        } finally {
            NativeMemory.free(own);
        }
    }

    private void mustFail(String what, Runnable access) throws InterruptedException {
        AtomicReference<Throwable> end = new AtomicReference<>();
        Thread thread = new Thread(() -> {
            long start = System.nanoTime();
            while (System.nanoTime() - start < timeNs) {
                access.run();
                Posix.effectiveUser();
            }
        });
        thread.setUncaughtExceptionHandler((t, e) -> end.set(e));
        thread.start();
        thread.join();
        if (errorDemanded && !(end.get() instanceof InternalError)) {
            throw new AssertionError("no InternalError: " + what, end.get());
        }
    }
}
