package org.vportd.vhostuser.backend;

import org.jspecify.annotations.Nullable;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.IotlbMessage;
import org.vportd.vhostuser.protocol.VhostUserRequestException;

/**
 * What a front-end is told without having asked: calls and errors, through the descriptors of rings or in-band, and what
 * only the back-end's own channel can say. Without such a channel that is left out.
 */
final class FrontendNotices implements AutoCloseable {
    private final EventLoop loop;
    private @Nullable BackendChannel channel;
    private boolean inband;
    private boolean configChangePending;

    /** Makes those of a session that has no channel yet. */
    FrontendNotices(EventLoop loop) {
        this.loop = loop;
    }

    boolean isInband() {
        return inband;
    }

    void setInband(boolean on) {
        inband = on;
    }

    /** Takes the channel that the front-end has given, in place of the one before. */
    void setChannel(Fd fd) throws VhostUserRequestException {
        try {
            if (!Sockets.isUnixStream(fd)) {
                throw new VhostUserRequestException("back-end channel is no UNIX stream socket");
            }
            BackendChannel opened = new BackendChannel(loop, fd);
            if (channel != null) {
                channel.close();
            }
            channel = opened;
        } catch (PosixException e) {
            fd.close();
            throw new VhostUserRequestException("back-end channel is unusable: error=" + e.getMessage());
        } catch (VhostUserRequestException e) {
            fd.close();
            throw e;
        }
    }

    /** A ring has something for the driver. */
    void call(Vring ring) {
        if (!ring.call() && inband && channel != null) {
            channel.call(ring.index());
        }
    }

    /** A ring is broken. */
    void error(Vring ring) {
        if (!ring.error() && inband && channel != null) {
            channel.error(ring.index());
        }
    }

    void translation(IotlbMessage message) {
        if (channel != null) {
            channel.translation(message);
        }
    }

    /** Configuration space has changed, which waits for {@link #tellOfConfigChange}. */
    void configChanged() {
        configChangePending = true;
    }

    void tellOfConfigChange() {
        if (configChangePending && channel != null) {
            configChangePending = false;
            channel.configChanged();
        }
    }

    void pack(Parcel into) {
        into.put("config_change", configChangePending).put("channel", channel == null ? null : channel.openFd());
    }

    @Override
    public void close() {
        if (channel != null) {
            channel.close();
            channel = null;
        }
    }
}
