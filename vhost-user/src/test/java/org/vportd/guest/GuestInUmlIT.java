package org.vportd.guest;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.vportd.vhostuser.protocol.ProtocolFeature;

/** The packaged daemon serves real guests of user-mode Linux. */
@Tag("guest")
class GuestInUmlIT {
    /** User-mode Linux that kicks, and is called, by messages. */
    @Nested
    class UserModeLinuxWithMessages extends RingTests {
        UserModeLinuxWithMessages() {
            super((socket, dir, numVqs) -> Guest.uml(socket, dir), ",inband=on");
        }

        @Test
        void shouldHaveNegotiatedMessages() throws Exception {
            long features = negotiated("protocol_features");
            assertTrue(ProtocolFeature.has(features, ProtocolFeature.VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS));
        }
    }

    /** User-mode Linux: one thread, no interrupts while it waits for an acknowledgement, larger queues. */
    @Nested
    class UserModeLinux extends GuestTests {
        UserModeLinux() {
            super((socket, dir, numVqs) -> Guest.uml(socket, dir));
        }
    }
}
