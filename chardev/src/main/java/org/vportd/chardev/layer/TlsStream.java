package org.vportd.chardev.layer;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.vportd.chardev.ByteStream;
import org.vportd.chardev.secure.DistinguishedName;
import org.vportd.loop.EventLoop;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;

/**
 * TLS 1.2 and 1.3, either end. Output is encrypted from where it is into a buffer of fixed size; what is in there counts as
 * taken. The arithmetic of a handshake runs on other threads.
 */
public final class TlsStream extends LayerStream {
    private static final Logger LOG = System.getLogger(TlsStream.class.getName());
    private static final int MAX_RECORD_DATA = 16 * 1024;
    private static final int ENCRYPTED_LENGTH = 160 * 1024;
    private static final int PLAIN_LENGTH = 64 * 1024;
    private static final int MAX_FAREWELL_RECORDS = 8;

    private final EventLoop loop;
    private final SSLEngine engine;
    private final TlsSettings settings;
    private final SegmentViews views = new SegmentViews();
    private final IoVector unsent = new IoVector();
    private final long encrypted = NativeMemory.allocate(ENCRYPTED_LENGTH);
    private final ByteBuffer encryptedView = NativeMemory.buffer(encrypted, ENCRYPTED_LENGTH);
    private final long decrypted = NativeMemory.allocate(PLAIN_LENGTH);
    private final ByteBuffer decryptedView = NativeMemory.buffer(decrypted, PLAIN_LENGTH);
    private final ByteBuffer rawView = NativeMemory.buffer(raw.base(), RawInput.LENGTH);
    private final ByteBuffer nothing = ByteBuffer.allocate(0);
    private int sentEnd;
    private int encryptedEnd;
    private boolean computing;
    private boolean agreed;
    /** An engine that was left in the middle of a record cannot be used again. */
    private boolean broken;

    private TlsStream(EventLoop loop, String name, TlsSettings settings, Owner owner) {
        super(loop, name, owner);
        this.loop = loop;
        this.settings = settings;
        this.engine = settings.credentials().engine(settings.host());
    }

    /**
     * Speaks TLS over another stream.
     *
     * @param name whose connection it is, for the log
     */
    public static Opener over(Opener lower, EventLoop loop, String name, TlsSettings settings) {
        return owner -> open(lower, loop, name, settings, owner);
    }

    private static ByteStream open(Opener lower, EventLoop loop, String name, TlsSettings settings, Owner owner)
            throws PosixException {
        TlsStream stream = new TlsStream(loop, name, settings, owner);
        stream.openOver(lower);
        return stream;
    }

    // --- the handshake

    @Override
    void negotiate() {
        try {
            engine.beginHandshake();
            resumeSoon();
        } catch (SSLException e) {
            failSoon(TlsFailure.text(e));
        }
    }

    private void compute() {
        List<Runnable> tasks = new ArrayList<>();
        for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask()) {
            tasks.add(task);
        }
        computing = true;
        HandshakeTasks.run(() -> {
            try {
                tasks.forEach(Runnable::run);
            } finally {
                postComputed();
            }
        });
    }

    private void postComputed() {
        try {
            loop.post(() -> {
                computing = false;
                resumeSoon();
            });
        } catch (IllegalStateException e) {
            LOG.log(Level.DEBUG, "the loop has ended: chardev=" + name());
        }
    }

    /** Sends a part of the handshake; true if there was room for it. */
    private boolean wrapHandshake() throws SSLException {
        if (!hasRoom(1)) {
            flush();
            if (!hasRoom(1)) {
                return false; // until flushed
            }
        }
        SSLEngineResult result = engine.wrap(nothing, encryptedRoom());
        encryptedEnd += result.bytesProduced();
        if (result.getHandshakeStatus() != HandshakeStatus.NEED_WRAP) {
            flush();
        }
        if (result.getHandshakeStatus() == HandshakeStatus.FINISHED) {
            return agree();
        }
        return result.bytesProduced() > 0;
    }

    /** The handshake is over; true if the peer may stay. */
    private boolean agree() {
        if (!agreed) {
            agreed = true;
            String refusal = refusal();
            if (!refusal.isEmpty()) {
                fail(refusal);
                return false;
            }
            becomeReady();
        }
        return isOpen();
    }

    private String refusal() {
        if (settings.authorization() == null) {
            return "";
        }
        try {
            Certificate[] chain = engine.getSession().getPeerCertificates();
            String identity = DistinguishedName.of((X509Certificate) chain[0]);
            return settings.authorization().isAllowed(identity)
                    ? ""
                    : "TLS x509 authz check for " + printable(identity) + " is denied";
        } catch (SSLPeerUnverifiedException e) {
            return "No certificate was found"; // nobody that a list could know
        }
    }

    private static String printable(String text) {
        return text.replaceAll("[\\p{Cntrl}]", "?");
    }

    // --- input

    @Override
    boolean decode() {
        if (computing || broken) {
            return false;
        }
        try {
            return switch (engine.getHandshakeStatus()) {
                case NEED_TASK -> {
                    compute();
                    yield false;
                }
                case NEED_WRAP -> wrapHandshake();
                default -> unwrap();
            };
        } catch (SSLException e) {
            fail((agreed ? "" : "TLS handshake failed: ") + TlsFailure.text(e));
            return false;
        }
    }

    private boolean unwrap() throws SSLException {
        if (raw.bytes() == 0) {
            return false;
        }
        int start = (int) (raw.address() - raw.base());
        rawView.limit(start + raw.bytes()).position(start);
        decryptedView.clear();
        SSLEngineResult result = engine.unwrap(rawView, decryptedView);
        raw.consume(result.bytesConsumed());
        if (result.getStatus() == Status.CLOSED) {
            end();
            return false;
        }
        if (result.getStatus() == Status.BUFFER_OVERFLOW) {
            throw new SSLException("record too large");
        }
        setPlain(decrypted, result.bytesProduced());
        HandshakeStatus status = result.getHandshakeStatus();
        if (status == HandshakeStatus.FINISHED) {
            return agree();
        }
        if (agreed && status != HandshakeStatus.NOT_HANDSHAKING && isOldVersion()) {
            throw new SSLException("renegotiation is refused");
        }
        return result.bytesConsumed() > 0;
    }

    private boolean isOldVersion() {
        return engine.getSession().getProtocol().equals("TLSv1.2");
    }

    // --- output

    @Override
    long send(IoVector data) {
        long taken = 0;
        while (taken < data.bytes() && isReady() && !broken) {
            if (!hasRoom(2)) {
                flush();
                if (!hasRoom(2)) {
                    break;
                }
            }
            long n = encrypt(data, taken);
            if (n < 0) {
                break;
            }
            taken += n;
        }
        flush();
        if (taken < data.bytes()) {
            waitForRoom();
        }
        return taken;
    }

    /** Makes one record; answers how much data is in it, less than 0 if the engine cannot go on. */
    private long encrypt(IoVector data, long from) {
        views.show(data, from, MAX_RECORD_DATA);
        boolean isDone = false;
        try {
            SSLEngineResult result = engine.wrap(views.buffers(), 0, views.count(), encryptedRoom());
            isDone = true;
            encryptedEnd += result.bytesProduced();
            if (result.bytesProduced() > 0) {
                return result.bytesConsumed();
            }
            failSoon("TLS cannot go on: " + result.getStatus() + " " + result.getHandshakeStatus());
        } catch (SSLException e) {
            isDone = true;
            failSoon(TlsFailure.text(e));
        } finally {
            if (!isDone) {
                // The data's memory has gone. What the engine has made of it so far is not known, so nothing may
                // follow.
                broken = true;
                failSoon("memory was lost while it was being encrypted");
            }
        }
        return -1;
    }

    private boolean hasRoom(int records) {
        int recordLength = engine.getSession().getPacketBufferSize();
        if (ENCRYPTED_LENGTH - encryptedEnd < recordLength * records && sentEnd > 0) {
            NativeMemory.copy(encrypted + sentEnd, encrypted, encryptedEnd - sentEnd);
            encryptedEnd -= sentEnd;
            sentEnd = 0;
        }
        return ENCRYPTED_LENGTH - encryptedEnd >= recordLength * records;
    }

    private ByteBuffer encryptedRoom() {
        return encryptedView.limit(ENCRYPTED_LENGTH).position(encryptedEnd);
    }

    @Override
    boolean flush() {
        if (sentEnd < encryptedEnd) {
            unsent.clear();
            unsent.add(encrypted + sentEnd, encryptedEnd - sentEnd);
            sentEnd += (int) lower().write(unsent);
        }
        if (sentEnd < encryptedEnd) {
            return false;
        }
        sentEnd = 0;
        encryptedEnd = 0;
        return true;
    }

    @Override
    void flushed() {
        resumeSoon(); // a part of a handshake may have waited for room
    }

    @Override
    void sayGoodbye() {
        if (computing || broken) {
            return;
        }
        engine.closeOutbound();
        try {
            for (int i = 0; i < MAX_FAREWELL_RECORDS && !engine.isOutboundDone() && hasRoom(1); i++) {
                int n = engine.wrap(nothing, encryptedRoom()).bytesProduced();
                encryptedEnd += n;
                if (n == 0) {
                    return;
                }
            }
        } catch (SSLException e) {
            LOG.log(Level.DEBUG, "no farewell: chardev=" + name() + " error=" + TlsFailure.text(e));
        }
    }

    @Override
    void free() {
        unsent.close();
        NativeMemory.free(encrypted);
        NativeMemory.free(decrypted);
    }
}
