package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Authorities, and certificates of theirs, made by openssl in a folder: {@code NAME.pem} and {@code NAME.key}. */
final class TestCertificates {
    private final Path folder;

    TestCertificates(Path folder) throws Exception {
        this.folder = folder;
        issue("ca", "/CN=Test CA", "", "-addext", "basicConstraints=critical,CA:TRUE");
        issue("foreign-ca", "/CN=Foreign CA", "", "-addext", "basicConstraints=critical,CA:TRUE");
        issue("server", "/CN=localhost", "ca", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1");
        issue("alice", "/O=Test/CN=alice", "ca");
        issue("bob", "/O=Test/CN=bob", "ca");
        issue("stranger", "/O=Test/CN=alice", "foreign-ca");
    }

    private void issue(String name, String subject, String issuer, String... more) throws Exception {
        List<String> command = new ArrayList<>(List.of("openssl", "req", "-x509", "-days", "2", "-nodes"));
        command.addAll(List.of("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", subject));
        command.addAll(List.of("-keyout", key(name), "-out", pem(name)));
        if (!issuer.isEmpty()) {
            command.addAll(List.of("-CA", pem(issuer), "-CAkey", key(issuer)));
            command.addAll(List.of("-addext", "basicConstraints=critical,CA:FALSE"));
        }
        command.addAll(List.of(more));
        try (ForeignProgram openssl = ForeignProgram.start(command.toArray(String[]::new))) {
            assertEquals(0, openssl.exitStatus(), openssl::toString);
        }
    }

    String pem(String name) {
        return folder.resolve(name + ".pem").toString();
    }

    String key(String name) {
        return folder.resolve(name + ".key").toString();
    }

    /** A folder as {@code tls-creds-x509} wants it. */
    Path credentials(String endpoint, String name) throws Exception {
        Path made = Files.createDirectory(folder.resolve("as-" + endpoint));
        Files.copy(Path.of(pem("ca")), made.resolve("ca-cert.pem"));
        Files.copy(Path.of(pem(name)), made.resolve(endpoint + "-cert.pem"));
        Files.copy(Path.of(key(name)), made.resolve(endpoint + "-key.pem"));
        return made;
    }
}
