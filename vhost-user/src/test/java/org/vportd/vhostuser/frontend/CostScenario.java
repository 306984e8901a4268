package org.vportd.vhostuser.frontend;

import java.io.IOException;
import org.vportd.virtio.driver.QueueDriver;

/** What is done to find out what it costs. Each leaves the rig as it was. */
enum CostScenario {
    OUTPUT_SMALL("out: 64 of 64 bytes at once") {
        @Override
        void run(CostRig rig) throws IOException {
            output(rig, 64, 1, 64, false);
        }
    },
    OUTPUT_LARGE("out: 16 of 4 KiB at once") {
        @Override
        void run(CostRig rig) throws IOException {
            output(rig, 16, 1, 4096, false);
        }
    },
    OUTPUT_CHAINS("out: 64 chains of 4 x 64 bytes") {
        @Override
        void run(CostRig rig) throws IOException {
            output(rig, 64, 4, 64, false);
        }
    },
    OUTPUT_TABLES("out: 64 tables of 4 x 64 bytes") {
        @Override
        void run(CostRig rig) throws IOException {
            output(rig, 64, 4, 64, true);
        }
    },
    OUTPUT_SINGLE("out: 16 times one of 64 bytes") {
        @Override
        void run(CostRig rig) throws IOException {
            for (int i = 0; i < 16; i++) {
                output(rig, 1, 1, 64, false);
            }
        }
    },
    /** The device has not looked yet, so it need not be kicked again, and the driver does not want to be called. */
    OUTPUT_UNNOTIFIED("out: 64 shown one by one, no calls") {
        @Override
        void run(CostRig rig) throws IOException {
            CostRig.End end = rig.socket();
            QueueDriver ring = end.port().tx().driver();
            ring.disableCalls();
            for (int i = 0; i < 64; i++) {
                rig.add(end, 1, 1, 64, false);
                end.port().tx().publish();
            }
            rig.turn();
            rig.takeBack(end, 64);
            rig.receive(end, 64 * 64);
        }
    },
    /** It is resumed once; what the driver adds meanwhile needs no kick. */
    OUTPUT_THROTTLED("out: 48 of 2 KiB, 8 more, peer is slow") {
        @Override
        void run(CostRig rig) throws IOException {
            CostRig.End end = rig.pipe();
            int before = CostRig.PIPE_BYTES / 2048;
            wantCall(end.port().tx());
            rig.add(end, 48, 1, 2048, false);
            end.port().tx().publish();
            rig.turn();
            rig.takeBack(end, before);
            rig.add(end, 8, 1, 2048, false);
            end.port().tx().publish();
            rig.turn();
            rig.receive(end, CostRig.PIPE_BYTES);
            wantCall(end.port().tx());
            rig.turn();
            rig.takeBack(end, 56 - before);
            rig.receive(end, (56 - before) * 2048);
        }
    },
    INPUT_BURST("in: 64 buffers filled at once") {
        @Override
        void run(CostRig rig) throws IOException {
            input(rig, 64, CostRig.INPUT_BUFFER);
        }
    },
    INPUT_SINGLE("in: 16 times 64 bytes") {
        @Override
        void run(CostRig rig) throws IOException {
            for (int i = 0; i < 16; i++) {
                input(rig, 1, 64);
            }
        }
    },
    PING_PONG("out and in: 16 times 64 bytes") {
        @Override
        void run(CostRig rig) throws IOException {
            for (int i = 0; i < 16; i++) {
                output(rig, 1, 1, 64, false);
                input(rig, 1, 64);
            }
        }
    };

    private final String title;

    CostScenario(String title) {
        this.title = title;
    }

    abstract void run(CostRig rig) throws IOException;

    @Override
    public String toString() {
        return title;
    }

    private static void output(CostRig rig, int chains, int buffers, int bytes, boolean inTables) throws IOException {
        CostRig.End end = rig.socket();
        wantCall(end.port().tx());
        rig.add(end, chains, buffers, bytes, inTables);
        end.port().tx().publish();
        rig.turn();
        rig.takeBack(end, chains);
        rig.receive(end, chains * buffers * bytes);
    }

    private static void input(CostRig rig, int chains, int bytes) throws IOException {
        CostRig.End end = rig.socket();
        wantCall(end.port().rx());
        rig.send(end, chains * bytes);
        rig.turn();
        rig.takeInput(end, chains, bytes);
    }

    private static void wantCall(DriverRing ring) {
        if (ring.driver().enableCalls()) {
            throw new AssertionError("something was returned before: queue=" + ring.index());
        }
    }
}
