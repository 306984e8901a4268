package org.vportd.monitor;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** What tests of commands begin with: a rig for each test, and a client of its monitor that may send commands. */
abstract class CommandFixture {
    /** The response of a command that returns nothing. */
    static final String EMPTY = "{\"return\": {}}";

    MonitorRig rig;
    QmpClient client;

    @BeforeEach
    void openRig() throws Exception {
        rig = new MonitorRig();
        client = MonitorRig.ready(rig);
    }

    @AfterEach
    void closeRig() throws Exception {
        rig.close();
    }

    /**
     * A command.
     *
     * @param arguments an object in JSON; quotes may be single ones
     */
    static String command(String name, String arguments) {
        return "{'execute': '" + name + "', 'arguments': " + arguments + "}";
    }
}
