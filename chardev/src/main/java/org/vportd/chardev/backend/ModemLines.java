package org.vportd.chardev.backend;

import org.vportd.posix.SerialLine;

/**
 * The lines beside the data of a serial line.
 *
 * @param dataTerminalReady DTR, ours
 * @param requestToSend RTS, ours
 * @param clearToSend CTS
 * @param dataSetReady DSR
 * @param carrierDetected CD
 * @param ringing RI
 */
public record ModemLines(
        boolean dataTerminalReady,
        boolean requestToSend,
        boolean clearToSend,
        boolean dataSetReady,
        boolean carrierDetected,
        boolean ringing) {
    static ModemLines of(int mask) {
        return new ModemLines(
                (mask & SerialLine.TIOCM_DTR) != 0,
                (mask & SerialLine.TIOCM_RTS) != 0,
                (mask & SerialLine.TIOCM_CTS) != 0,
                (mask & SerialLine.TIOCM_DSR) != 0,
                (mask & SerialLine.TIOCM_CAR) != 0,
                (mask & SerialLine.TIOCM_RNG) != 0);
    }
}
