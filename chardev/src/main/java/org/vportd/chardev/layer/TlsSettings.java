package org.vportd.chardev.layer;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.secure.Authorization;
import org.vportd.chardev.secure.TlsCredentials;

/**
 * How to speak TLS.
 *
 * @param credentials for this end
 * @param authorization who may connect, or null if everybody whose certificate is trusted may
 * @param host what a client calls the server it has connected to; null on a server
 */
public record TlsSettings(
        TlsCredentials credentials,
        @Nullable Authorization authorization,
        @Nullable String host) {
    /** Keeps what it refers to from being removed. */
    public void acquire() {
        credentials.acquire();
        if (authorization != null) {
            authorization.acquire();
        }
    }

    /** Undoes {@link #acquire}. */
    public void release() {
        credentials.release();
        if (authorization != null) {
            authorization.release();
        }
    }
}
