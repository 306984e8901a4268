package org.vportd.chardev.layer;

import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.RecordingHandler;
import org.vportd.chardev.secure.Authorization;
import org.vportd.chardev.secure.Certificates;
import org.vportd.chardev.secure.TlsCredentials;
import org.vportd.chardev.secure.UserObject;
import org.vportd.chardev.secure.UserObjects;

/** Certificates, and both ends of a connection that speaks TLS: a stream here, and Java's own client there. */
abstract class TlsFixture {
    @TempDir
    static Path folder;

    static Certificates certificates;
    final UserObjects objects = new UserObjects();
    LayerFixture fixture;

    @BeforeAll
    static void makeCertificates() throws Exception {
        certificates = Certificates.usualIn(folder);
    }

    @BeforeEach
    void open() throws Exception {
        fixture = new LayerFixture();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    UserObject object(String options) throws ConfigException {
        return objects.add(Options.parse(options, UserObjects.IMPLIED_KEY, warning -> {}));
    }

    /** TLS credentials with these certificates. */
    TlsCredentials credentials(String id, String options) throws ConfigException {
        return (TlsCredentials) object("tls-creds-x509,id=" + id + ",dir=" + certificates.folder() + "," + options);
    }

    /** How a server speaks TLS, with further options of its credentials. */
    TlsSettings serverSettings(String options, @Nullable Authorization authorization) throws ConfigException {
        return new TlsSettings(credentials("server", "endpoint=server" + options), authorization, null);
    }

    /** Serves the client that has connected. */
    LayerChardev serve(TlsSettings settings) throws IOException {
        return fixture.serve(fixture.accept(), lower -> TlsStream.over(lower, fixture.eventLoop(), "t", settings));
    }

    /** Java's own client, which blocks. */
    final class JavaClient {
        final Socket wire;
        final SSLSocket socket;

        JavaClient() throws Exception {
            wire = fixture.connect();
            socket = certificates.client("client", wire);
        }
    }

    /** Has something that blocks done by another thread while the loop turns. */
    <T> CompletableFuture<T> start(Callable<T> action) {
        return fixture.start(action);
    }

    /** Serves a client until both have agreed. */
    RecordingHandler agreed(JavaClient client, LayerChardev chardev) {
        CompletableFuture<Void> handshake = start(() -> {
            client.socket.startHandshake();
            return null;
        });
        RecordingHandler front = fixture.front(chardev);
        fixture.loop().until("agreed", () -> handshake.isDone() && front.count(ChardevEvent.OPENED) == 1);
        handshake.join();
        return front;
    }
}
