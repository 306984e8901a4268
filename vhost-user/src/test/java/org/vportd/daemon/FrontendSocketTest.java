package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.Sockets;

/** What may be at the place where the socket for front-ends is to be. */
class FrontendSocketTest {
    private static final int MODE = 0600;

    @TempDir
    private Path directory;

    private Path path() {
        return directory.resolve("v.sock");
    }

    private String refusal() {
        return String.valueOf(assertThrows(
                        StartException.class,
                        () -> FrontendSocket.bind("socket-path", path().toString(), MODE)
                                .close())
                .getMessage());
    }

    private static void close(FrontendSocket socket) {
        socket.close();
        socket.fd().close();
    }

    @Test
    @DisplayName("SEC-100 a socket that somebody listens on is left alone")
    void listeningSocketIsRefused() throws Exception {
        FrontendSocket first = FrontendSocket.bind("socket-path", path().toString(), MODE);
        assertTrue(refusal().endsWith("somebody listens there already"));
        Sockets.connectUnix(path().toString()).close(); // still its own
        close(first);
        assertFalse(Files.exists(path(), LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    @DisplayName("SEC-100 a socket that nobody listens on any more is replaced")
    void staleSocketIsReplaced() throws Exception {
        Sockets.listenUnix(path().toString(), 1).close();
        assertTrue(Files.exists(path()));
        FrontendSocket socket = FrontendSocket.bind("socket-path", path().toString(), MODE);
        Sockets.connectUnix(path().toString()).close();
        close(socket);
    }

    @Test
    @DisplayName("SEC-100 files, folders and links, also to sockets, are left alone")
    void anythingElseIsRefused() throws Exception {
        Files.writeString(path(), "precious");
        assertTrue(refusal().endsWith("there is a file that is no socket"));
        assertEquals("precious", Files.readString(path()));
        Files.delete(path());

        Files.createDirectory(path());
        assertTrue(refusal().endsWith("there is a file that is no socket"));
        Files.delete(path());

        Path elsewhere = directory.resolve("stale");
        Sockets.listenUnix(elsewhere.toString(), 1).close();
        for (Path target : new Path[] {elsewhere, directory.resolve("nothing")}) {
            Posix.symlink(target.toString(), path().toString());
            assertTrue(refusal().endsWith("there is a file that is no socket"));
            assertTrue(Files.isSymbolicLink(path()));
            Files.delete(path());
        }
        assertTrue(Files.exists(elsewhere));
        assertFalse(Files.exists(directory.resolve("nothing")));
    }

    @Test
    @DisplayName("SEC-100 at the end only what is still ours is removed")
    void pathOfAnotherIsLeft() throws Exception {
        FrontendSocket first = FrontendSocket.bind("socket-path", path().toString(), MODE);
        Files.delete(path());
        try (Fd other = Sockets.listenUnix(path().toString(), 1)) {
            close(first);
            Sockets.connectUnix(path().toString()).close();
            assertTrue(other.isOpen());
        }
    }

    @ParameterizedTest
    @CsvSource({"384, rw-------", "432, rw-rw----", "438, rw-rw-rw-"})
    @DisplayName("SEC-101 the socket is open to those asked for and nobody else")
    void othersAreKeptOut(int mode, String permissions) throws StartException, IOException {
        FrontendSocket socket = FrontendSocket.bind("socket-path", path().toString(), mode);
        assertEquals(permissions, PosixFilePermissions.toString(Files.getPosixFilePermissions(path())));
        close(socket);
    }
}
