package org.vportd.chardev.secure;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/** Certificates and a key for one end of TLS, read from a folder of PEM files that are named as QEMU names them. */
public final class TlsCredentials extends UserObject {
    static final Set<String> KEYS = Set.of("dir", "endpoint", "passwordid", "priority", "sanity-check", "verify-peer");

    private static final String AUTHORITIES = "ca-cert.pem";
    private static final String REVOCATIONS = "ca-crl.pem";
    private static final char[] NO_PASSWORD = {};

    private final SSLContext context;
    private final boolean server;
    private final boolean verifiesPeer;
    private final String[] versions;

    private TlsCredentials(SSLContext context, boolean server, boolean verifiesPeer, String[] versions) {
        this.context = context;
        this.server = server;
        this.verifiesPeer = verifiesPeer;
        this.versions = versions;
    }

    static TlsCredentials load(Options options, UserObjects objects) throws ConfigException {
        String folder = options.required("dir", "Missing 'dir' property value");
        boolean server = UserObjects.choice(options, "endpoint", "client", "client", "server")
                .equals("server");
        boolean verifiesPeer = options.bool("verify-peer", true);
        boolean isChecked = options.bool("sanity-check", true);
        String[] versions = TlsVersions.parse(options.string("priority", "NORMAL"));
        String passwordId = options.string("passwordid");
        char[] password = passwordId == null ? NO_PASSWORD : Secret.password(objects.find(passwordId), passwordId);
        try {
            PemFiles files = new PemFiles(Path.of(folder));
            SSLContext context = SSLContext.getInstance("TLS");
            List<X509Certificate> authorities = authorities(files, new CertificateCheck(server), isChecked);
            context.init(
                    own(files, server, password, isChecked, authorities),
                    new TrustManager[] {
                        verifiesPeer
                                ? PeerTrust.of(authorities, files.revocations(REVOCATIONS), files.path(REVOCATIONS))
                                : new AnyPeer()
                    },
                    null);
            return new TlsCredentials(context, server, verifiesPeer, versions);
        } catch (InvalidPathException e) {
            throw new ConfigException("Unable to access credentials " + folder + ": " + e.getMessage());
        } catch (GeneralSecurityException e) {
            throw new ConfigException("Cannot allocate credentials: '" + e.getMessage() + "'");
        }
    }

    private static List<X509Certificate> authorities(PemFiles files, CertificateCheck check, boolean isChecked)
            throws ConfigException {
        List<X509Certificate> authorities =
                files.certificates(AUTHORITIES).orElseThrow(() -> missing(files, AUTHORITIES));
        if (isChecked) {
            for (X509Certificate authority : authorities) {
                check.checkAuthority(authority, files.path(AUTHORITIES));
            }
        }
        return authorities;
    }

    private static KeyManager @Nullable [] own(
            PemFiles files, boolean server, char[] password, boolean isChecked, List<X509Certificate> authorities)
            throws ConfigException, GeneralSecurityException {
        String name = (server ? "server" : "client") + "-cert.pem";
        String keyName = (server ? "server" : "client") + "-key.pem";
        Optional<List<X509Certificate>> chain = files.certificates(name);
        Optional<PrivateKey> key = files.key(keyName, password);
        if (chain.isEmpty() || key.isEmpty()) {
            if (server || chain.isPresent() || key.isPresent()) {
                throw missing(files, chain.isEmpty() ? name : keyName);
            }
            return null;
        }
        X509Certificate own = chain.get().get(0);
        if (isChecked) {
            CertificateCheck check = new CertificateCheck(server);
            check.checkOwn(own, files.path(name));
            check.checkIssuer(chain.get(), files.path(name), authorities, files.path(AUTHORITIES));
        }
        CertificateCheck.checkPair(own, files.path(name), key.get(), files.path(keyName));
        KeyStore store = MemoryKeyStore.empty();
        store.setKeyEntry("own", key.get(), NO_PASSWORD, chain.get().toArray(Certificate[]::new));
        KeyManagerFactory factory = KeyManagerFactory.getInstance("SunX509");
        factory.init(store, NO_PASSWORD);
        return factory.getKeyManagers();
    }

    private static ConfigException missing(PemFiles files, String name) {
        return new ConfigException("Unable to access credentials " + files.path(name) + ": No such file or directory");
    }

    /**
     * What {@code tls-creds} refers to.
     *
     * @param object what there is under the id, or null
     * @param server for which end they are needed
     * @throws ConfigException if they are not such credentials
     */
    public static TlsCredentials of(@Nullable Object object, String id, boolean server) throws ConfigException {
        if (object == null) {
            throw new ConfigException("No TLS credentials with id '" + id + "'");
        }
        if (!(object instanceof TlsCredentials credentials)) {
            throw new ConfigException("Object with id '" + id + "' is not TLS credentials");
        }
        if (credentials.server != server) {
            throw new ConfigException("Expected TLS credentials for a " + (server ? "server" : "client") + " endpoint");
        }
        return credentials;
    }

    /** Whether they are for the end that waits for the other. */
    public boolean isServer() {
        return server;
    }

    /** Whether a peer must show a certificate that can be trusted. */
    public boolean verifiesPeer() {
        return verifiesPeer;
    }

    /**
     * Makes an engine for one connection.
     *
     * @param host what the client calls the server, which the server's certificate must be for; null on a server
     */
    public SSLEngine engine(@Nullable String host) {
        SSLEngine engine = host == null ? context.createSSLEngine() : context.createSSLEngine(host, -1);
        engine.setUseClientMode(!server);
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setProtocols(versions);
        if (server) {
            parameters.setNeedClientAuth(verifiesPeer);
        } else if (verifiesPeer) {
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
        }
        engine.setSSLParameters(parameters);
        return engine;
    }
}
