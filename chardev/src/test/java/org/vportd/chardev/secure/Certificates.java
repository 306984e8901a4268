package org.vportd.chardev.secure;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** Certificates that a test makes with {@code openssl}. */
public final class Certificates {
    private static final String EC = "ec -pkeyopt ec_paramgen_curve:P-256";

    private final Path folder;

    /** Makes a folder with one authority, {@code ca-cert.pem} and {@code ca-key.pem}. */
    public Certificates(Path folder) throws Exception {
        this.folder = Files.createDirectories(folder);
        authority("ca", "/C=GB/O=Example/CN=Example CA");
    }

    /** Makes an authority, a server's and a client's in a new folder within this one. Without openssl the test is skipped. */
    public static Certificates usualIn(Path folder) throws Exception {
        assumeTrue(arePossible(), "there is no openssl");
        return new Certificates(folder.resolve("tls")).usual();
    }

    private static boolean arePossible() {
        return Arrays.stream(String.valueOf(System.getenv("PATH")).split(":", -1))
                .anyMatch(each -> Files.isExecutable(Path.of(each, "openssl")));
    }

    /** The folder, to be used as {@code dir}. */
    public Path folder() {
        return folder;
    }

    /** The name of a file in it. */
    public String file(String name) {
        return folder.resolve(name).toString();
    }

    /** Makes an authority of its own. */
    public void authority(String name, String subject) throws Exception {
        run(
                "req -x509 -newkey " + EC + " -nodes -days 30 -keyout " + name + "-key.pem -out " + name + "-cert.pem",
                subject,
                List.of("-addext", "keyUsage=critical,keyCertSign,cRLSign"));
    }

    /**
     * Makes a certificate and its key.
     *
     * @param extensions lines of openssl's configuration
     */
    public void issue(String name, String authority, String subject, int days, String... extensions) throws Exception {
        run("req -newkey " + EC + " -nodes -keyout " + name + "-key.pem -out " + name + ".csr", subject, List.of());
        Path file = Files.writeString(folder.resolve(name + ".ext"), String.join("\n", extensions) + "\n");
        openssl(("x509 -req -in " + name + ".csr -CA " + authority + "-cert.pem -CAkey " + authority
                        + "-key.pem -CAcreateserial -days " + days + " -out " + name + "-cert.pem -extfile "
                        + file.getFileName())
                .split(" ", -1));
    }

    /** Makes the two that a server and a client need. */
    public Certificates usual() throws Exception {
        issue(
                "server",
                "ca",
                "/C=GB/O=Example/CN=localhost",
                10,
                "basicConstraints=CA:FALSE",
                "extendedKeyUsage=serverAuth",
                "subjectAltName=DNS:localhost,IP:127.0.0.1");
        issue(
                "client",
                "ca",
                "/C=GB/O=Example, Ltd/CN=client",
                10,
                "basicConstraints=CA:FALSE",
                "extendedKeyUsage=clientAuth");
        return this;
    }

    /** Makes a list of revoked certificates, with one on it. */
    public void revoke(String name) throws Exception {
        Files.writeString(folder.resolve("index.txt"), "");
        Files.writeString(folder.resolve("crlnumber"), "01\n");
        Files.writeString(folder.resolve("ca.conf"), """
                [ca]
                default_ca=d
                [d]
                database=index.txt
                crlnumber=crlnumber
                default_md=sha256
                default_crl_days=5
                certificate=ca-cert.pem
                private_key=ca-key.pem
                """);
        openssl("ca", "-config", "ca.conf", "-revoke", name + "-cert.pem");
        openssl("ca", "-config", "ca.conf", "-gencrl", "-out", "ca-crl.pem");
    }

    /** Java's own client over a connection, with a certificate of the folder. */
    public SSLSocket client(String name, Socket wire) throws Exception {
        PemFiles files = new PemFiles(folder);
        KeyStore own = MemoryKeyStore.empty();
        own.setKeyEntry(
                "own",
                files.key(name + "-key.pem", new char[0]).orElseThrow(),
                new char[0],
                files.certificates(name + "-cert.pem").orElseThrow().toArray(Certificate[]::new));
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(own, new char[0]);
        KeyStore trusted = MemoryKeyStore.empty();
        trusted.setCertificateEntry(
                "ca", files.certificates("ca-cert.pem").orElseThrow().get(0));
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return (SSLSocket) context.getSocketFactory().createSocket(wire, "localhost", wire.getPort(), true);
    }

    /** Copies a file within the folder. */
    public void copy(String from, String to) throws IOException {
        Files.copy(folder.resolve(from), folder.resolve(to), StandardCopyOption.REPLACE_EXISTING);
    }

    private void run(String words, String subject, List<String> more) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(words.split(" ", -1)));
        arguments.addAll(List.of("-subj", subject));
        arguments.addAll(more);
        openssl(arguments.toArray(String[]::new));
    }

    /** Runs openssl in the folder. */
    public void openssl(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(arguments));
        Path log = folder.resolve("openssl.log");
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        process.getOutputStream().close();
        if (!process.waitFor(20, TimeUnit.SECONDS) || process.exitValue() != 0) {
            throw new AssertionError(command + ": " + Files.readString(log));
        }
    }
}
