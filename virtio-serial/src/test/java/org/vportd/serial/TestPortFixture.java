package org.vportd.serial;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.vportd.chardev.ConfigException;
import org.vportd.posix.PosixException;

/** A device and a table of test chardevs, for tests of what is behind its ports. */
abstract class TestPortFixture {
    DeviceUnderTest dut;
    TestChardevs chardevs;

    @BeforeEach
    void openDevice() throws PosixException, ConfigException {
        dut = new DeviceUnderTest(8);
        chardevs = new TestChardevs(dut.loop());
    }

    @AfterEach
    void closeDevice() {
        chardevs.close();
        dut.close();
    }

    /** Makes a chardev and a port at it, which a driver finds. */
    SerialPort channel(String options) throws ConfigException {
        SerialPort port = dut.channel(chardevs.add(options));
        dut.boot();
        return port;
    }

    /** Has the driver put something out. */
    void send(SerialPort port, String text) {
        dut.tx(port).send(text);
        dut.settle();
    }
}
