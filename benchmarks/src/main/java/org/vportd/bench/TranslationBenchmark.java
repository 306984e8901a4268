package org.vportd.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.memory.GuestMemory;
import org.vportd.virtio.memory.Iotlb;

/** What it takes to find where an address of the driver's is mapped here. An operation is one address. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class TranslationBenchmark {
    private static final int ADDRESSES = 1024;
    private static final long REGION_BYTES = 1 << 20;
    /** Regions do not follow each other. */
    private static final long REGION_STRIDE = 2 * REGION_BYTES;

    private static final int PAGES = 64;

    /** How many regions the memory has, and which of them addresses are in. */
    public enum Layout {
        /** One region. */
        ONE(1, 1),
        /** Eight, and all addresses in the same. */
        EIGHT_SAME(8, 1),
        /** Eight, and each address in another one than the last. */
        EIGHT_ALTERNATING(8, 8);

        private final int regions;
        private final int used;

        Layout(int regions, int used) {
            this.regions = regions;
            this.used = used;
        }
    }

    /** What the memory is like. */
    @Param
    public Layout layout = Layout.ONE;

    private DriverMemory driver;
    private GuestMemory memory;
    private Iotlb iotlb;
    private long[] addresses;
    private long[] pages;

    /** Maps the regions. */
    @Setup
    public void open() throws Exception {
        List<DriverMemory.Range> ranges = new ArrayList<>();
        for (int i = 0; i < layout.regions; i++) {
            ranges.add(new DriverMemory.Range(regionStart(i), REGION_BYTES));
        }
        driver = DriverMemory.open(ranges, true);
        memory = driver.mapForDevice();
        iotlb = new Iotlb(PAGES, new NothingMissing());
        addresses = new long[ADDRESSES];
        pages = new long[ADDRESSES];
        for (int i = 0; i < PAGES; i++) {
            long user = driver.regions().get(i % layout.used).userAddress() + (long) i * Iotlb.PAGE_BYTES;
            iotlb.update(pageStart(i), Iotlb.PAGE_BYTES, user, Iotlb.READ, memory);
        }
        for (int i = 0; i < ADDRESSES; i++) {
            addresses[i] = regionStart(i % layout.used) + i * 64L;
            pages[i] = pageStart(i % layout.used) + i % Iotlb.PAGE_BYTES;
        }
    }

    private static long regionStart(int region) {
        return DriverMemory.DEFAULT_GUEST_ADDRESS + region * REGION_STRIDE;
    }

    /** Pages do not follow each other, so that each is an entry of its own. */
    private static long pageStart(int page) {
        return 2L * page * Iotlb.PAGE_BYTES;
    }

    /** By the table of regions. */
    @Benchmark
    @OperationsPerInvocation(ADDRESSES)
    public long regions() {
        GuestMemory from = memory;
        long sum = 0;
        for (long address : addresses) {
            sum += from.hostAddress(from.regionOf(address), address);
        }
        return sum;
    }

    /** By the translations of an IOMMU, each of one page, of which one or eight are in use. */
    @Benchmark
    @OperationsPerInvocation(ADDRESSES)
    public long iotlb() {
        Iotlb from = iotlb;
        long sum = 0;
        for (long address : pages) {
            sum += from.hostAddress(from.entryOf(address), address);
        }
        return sum;
    }

    /** Unmaps them. */
    @TearDown
    public void close() {
        memory.close();
        driver.close();
    }

    private static final class NothingMissing implements Iotlb.Listener {
        @Override
        public boolean missing(long iova, int permission) {
            return false;
        }

        @Override
        public void denied(long iova, int permission) {}

        @Override
        public void revoked(long hostAddress, long sizeBytes) {}

        @Override
        public void revokedMany() {}
    }
}
