package org.vportd.bench.peer;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** An authority and a server's certificate that live for one run, as files that the daemon wants and as Java does. */
public final class Certificates {
    private static final char[] PASSWORD = "benchmark".toCharArray();
    private static final String ALIAS = "server";
    private static final String STORE = "server.p12";
    private static final X500Name AUTHORITY = new X500Name("CN=vportd benchmark authority");
    private static final X500Name SERVER = new X500Name("CN=localhost");

    private Certificates() {}

    /** Makes {@code ca-cert.pem}, {@code server-cert.pem}, {@code server-key.pem} and a key store in a folder. */
    public static void make(Path folder) throws IOException {
        Files.createDirectories(folder);
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            KeyPair authority = generator.generateKeyPair();
            KeyPair server = generator.generateKeyPair();
            Certificate root = certificate(AUTHORITY, authority, authority.getPrivate(), true);
            Certificate leaf = certificate(SERVER, server, authority.getPrivate(), false);
            Files.writeString(folder.resolve("ca-cert.pem"), pem("CERTIFICATE", root.getEncoded()));
            Files.writeString(folder.resolve("server-cert.pem"), pem("CERTIFICATE", leaf.getEncoded()));
            Files.writeString(
                    folder.resolve("server-key.pem"),
                    pem("PRIVATE KEY", server.getPrivate().getEncoded()));
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, PASSWORD);
            store.setKeyEntry(ALIAS, server.getPrivate(), PASSWORD, new Certificate[] {leaf, root});
            try (OutputStream out = Files.newOutputStream(folder.resolve(STORE))) {
                store.store(out, PASSWORD);
            }
        } catch (GeneralSecurityException | OperatorCreationException e) {
            throw new IOException("no certificates: " + e.getMessage(), e);
        }
    }

    private static Certificate certificate(X500Name name, KeyPair pair, PrivateKey signer, boolean signs)
            throws IOException, GeneralSecurityException, OperatorCreationException {
        Instant now = Instant.now();
        JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(
                AUTHORITY,
                new BigInteger(64, new SecureRandom()).setBit(64),
                Date.from(now.minus(Duration.ofDays(1))),
                Date.from(now.plus(Duration.ofDays(2))),
                name,
                pair.getPublic());
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(signs));
        builder.addExtension(
                Extension.keyUsage,
                true,
                new KeyUsage(signs ? KeyUsage.keyCertSign | KeyUsage.cRLSign : KeyUsage.digitalSignature));
        return new JcaX509CertificateConverter()
                .getCertificate(builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(signer)));
    }

    private static String pem(String what, byte[] encoded) {
        Base64.Encoder encoder = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII));
        return "-----BEGIN " + what + "-----\n" + encoder.encodeToString(encoded) + "\n-----END " + what + "-----\n";
    }

    /** What a server made of the folder uses. */
    public static SSLContext server(Path folder) throws IOException {
        try (InputStream in = Files.newInputStream(folder.resolve(STORE))) {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(in, PASSWORD);
            KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
            keys.init(store, PASSWORD);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), null, new SecureRandom());
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException("no TLS: " + e.getMessage(), e);
        }
    }

    /** A client that takes any certificate. */
    public static SSLContext client() throws IOException {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {new Trusting()}, new SecureRandom());
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException("no TLS: " + e.getMessage(), e);
        }
    }

    /** Trusts everybody: there is nobody else on a loopback that lives for seconds. */
    private static final class Trusting implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
