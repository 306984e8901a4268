package org.vportd.bench.peer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** A certificate and its key, made by the JDK's own {@code keytool}, as the daemon wants them and as Java does. */
public final class Certificates {
    private static final char[] PASSWORD = "benchmark".toCharArray();
    private static final String ALIAS = "server";
    private static final String STORE = "server.p12";
    private static final int TIMEOUT_S = 30;

    private Certificates() {}

    /** Makes {@code ca-cert.pem}, {@code server-cert.pem}, {@code server-key.pem} and a key store in a folder. */
    public static void make(Path folder) throws IOException {
        Files.createDirectories(folder);
        keytool(folder);
        try {
            KeyStore store = store(folder);
            String certificate = pem("CERTIFICATE", store.getCertificate(ALIAS).getEncoded());
            Files.writeString(folder.resolve("ca-cert.pem"), certificate);
            Files.writeString(folder.resolve("server-cert.pem"), certificate);
            Files.writeString(
                    folder.resolve("server-key.pem"),
                    pem("PRIVATE KEY", store.getKey(ALIAS, PASSWORD).getEncoded()));
        } catch (GeneralSecurityException e) {
            throw new IOException("keytool's store cannot be used: " + e.getMessage(), e);
        }
    }

    private static void keytool(Path folder) throws IOException {
        Path log = folder.resolve("keytool.log");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        ALIAS,
                        "-keyalg",
                        "EC",
                        "-groupname",
                        "secp256r1",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "bc:c",
                        "-validity",
                        "30",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        folder.resolve(STORE).toString(),
                        "-storepass",
                        String.valueOf(PASSWORD))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            if (!process.waitFor(TIMEOUT_S, TimeUnit.SECONDS) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new IOException("keytool makes no key: " + Files.readString(log));
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static KeyStore store(Path folder) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(folder.resolve(STORE))) {
            store.load(in, PASSWORD);
        }
        return store;
    }

    private static String pem(String what, byte[] encoded) {
        Base64.Encoder encoder = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII));
        return "-----BEGIN " + what + "-----\n" + encoder.encodeToString(encoded) + "\n-----END " + what + "-----\n";
    }

    /** What a server made of the folder uses. */
    public static SSLContext server(Path folder) throws IOException {
        try {
            KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
            keys.init(store(folder), PASSWORD);
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
