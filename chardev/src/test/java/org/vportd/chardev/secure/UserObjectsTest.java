package org.vportd.chardev.secure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

class UserObjectsTest {
    @TempDir
    private static Path folder;

    private static Certificates certificates;

    private final UserObjects objects = new UserObjects();

    @BeforeAll
    static void makeCertificates() throws Exception {
        certificates = Certificates.usualIn(folder);
    }

    private UserObject add(String options) throws ConfigException {
        return objects.add(Options.parse(options, UserObjects.IMPLIED_KEY, warning -> {}));
    }

    private String refusal(String options) {
        return String.valueOf(
                assertThrows(ConfigException.class, () -> add(options)).getMessage());
    }

    private String credentials(String options) {
        return "tls-creds-x509,id=t,dir=" + certificates.folder() + "," + options;
    }

    // --- the table

    @Test
    void keepsObjectsById() throws Exception {
        UserObject made = add("authz-simple,id=a,identity=x");
        assertSame(made, objects.find("a"));
        assertNull(objects.find("b"));
        assertEquals("attempt to add duplicate property 'a' to object (type 'container')", refusal("authz-list,id=a"));

        made.acquire();
        assertEquals(
                "object 'a' is in use, can not be deleted",
                assertThrows(ConfigException.class, () -> objects.remove("a")).getMessage());
        made.release();
        objects.remove("a");
        assertNull(objects.find("a"));
        assertEquals(
                "object 'a' not found",
                assertThrows(ConfigException.class, () -> objects.remove("a")).getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "id=a|Parameter 'qom-type' is missing",
                "rng-random,id=a|Parameter 'qom-type' does not accept value 'rng-random'",
                "authz-simple,identity=x|Parameter 'id' is missing",
                "authz-simple,id=a|Parameter 'identity' is missing",
                "authz-simple,id=a,identity=x,dir=y|Parameter 'dir' is unexpected",
                "authz-simple,id=a,identity=x,rules.0.match=y|Parameter 'rules.0.match' is unexpected",
                "authz-list,id=a,policy=maybe|Parameter 'policy' does not accept value 'maybe'",
                "authz-list,id=a,rules.1.match=x|Parameter 'rules.0.match' is missing",
                "authz-list,id=a,rules.0.match=x|Parameter 'rules.0.policy' is missing",
                "authz-list,id=a,rules.0.match=x,rules.0.policy=deny,rules.0.format=regex"
                        + "|Parameter 'rules.0.format' does not accept value 'regex'",
                "secret,id=a|Must provide 'file' or 'data'",
                "secret,id=a,data=x,file=y|'file' and 'data' are mutually exclusive",
                "secret,id=a,file=/nonexistent|Unable to read /nonexistent: No such file or directory",
                "secret,id=a,data=a?b,format=base64|Base64 data contains invalid characters",
                "secret,id=a,data=a,format=base64|Base64 data is not valid",
                "tls-creds-x509,id=a|Missing 'dir' property value",
                "tls-creds-x509,id=a,dir=/nonexistent"
                        + "|Unable to access credentials /nonexistent/ca-cert.pem: No such file or directory",
            })
    void refusesWhatDoesNotFit(String options, String text) {
        assertEquals(text, refusal(options));
    }

    // --- who may connect

    @Test
    @DisplayName("CH-14 authz-list: the first rule that matches decides, then the policy")
    void decidesByFirstRule() throws Exception {
        Authorization list = (Authorization) add("authz-list,id=a,policy=deny,"
                + "rules.0.match=CN=bad*,rules.0.policy=deny,rules.0.format=glob,"
                + "rules.1.match=CN=*,rules.1.policy=allow,rules.1.format=glob,"
                + "rules.2.match=O=x?(z),rules.2.policy=allow,rules.2.format=glob,"
                + "rules.3.match=O=*,rules.3.policy=allow");
        assertFalse(list.isAllowed("CN=bad one"));
        assertTrue(list.isAllowed("CN=good,O=y"));
        assertTrue(list.isAllowed("O=xy(z)"));
        assertFalse(list.isAllowed("O=xyy(z)"));
        assertTrue(list.isAllowed("O=*"));
        assertFalse(list.isAllowed("O=else"));
    }

    @Test
    @DisplayName("CH-14 authz-list: without rules and policy nobody may, with policy=allow everybody")
    void fallsBackToPolicy() throws Exception {
        assertFalse(((Authorization) add("authz-list,id=a")).isAllowed("CN=x"));
        assertTrue(((Authorization) add("authz-list,id=b,policy=allow")).isAllowed("CN=x"));
    }

    @Test
    @DisplayName("CH-14 authz-simple: one may, to the letter")
    void comparesToTheLetter() throws Exception {
        Authorization simple = (Authorization) add("authz-simple,id=a,identity=CN=x,,O=y");
        assertTrue(simple.isAllowed("CN=x,O=y"));
        assertFalse(simple.isAllowed("CN=x,O=y,C=z"));
        assertSame(simple, Authorization.of(objects.find("a"), "a"));
        assertEquals(
                "Cannot find QAuthZ object ID b",
                assertThrows(ConfigException.class, () -> Authorization.of(null, "b"))
                        .getMessage());
        assertEquals(
                "Object 's' is not a QAuthZ subclass",
                assertThrows(ConfigException.class, () -> Authorization.of(add("secret,id=s,data=x"), "s"))
                        .getMessage());
    }

    @Test
    @DisplayName("CH-14 names of certificates are written in the order in which they are in there, escaped")
    void writesNames() throws Exception {
        certificates.issue(
                "odd",
                "ca",
                "/C=GB/ST=London/L=A;B/O=Ex \\+ Co/OU=#1/CN=a=b, c/emailAddress=x@example.org/serialNumber=7",
                10,
                "basicConstraints=CA:FALSE");
        assertEquals(
                "C=GB,ST=London,L=A\\;B,O=Ex \\+ Co,OU=\\#1,CN=a=b\\, c,EMAIL=x@example.org,serialNumber=7",
                DistinguishedName.of(new PemFiles(certificates.folder())
                        .certificates("odd-cert.pem")
                        .orElseThrow()
                        .get(0)));
    }

    // --- credentials

    @Test
    @DisplayName("CH-14 tls-creds: what a chardev refers to must be credentials for its end")
    void checksEndpoint() throws Exception {
        TlsCredentials server = (TlsCredentials) add(credentials("endpoint=server"));
        assertSame(server, TlsCredentials.of(server, "t", true));
        assertTrue(server.isServer() && server.verifiesPeer());
        assertEquals("Expected TLS credentials for a client endpoint", wrong(server, false));
        assertEquals("No TLS credentials with id 't'", wrong(null, true));
        assertEquals("Object with id 't' is not TLS credentials", wrong(add("authz-list,id=l"), true));
        objects.remove("t");
        assertEquals("Expected TLS credentials for a server endpoint", wrong(add(credentials("")), true));
    }

    private static String wrong(@Nullable Object object, boolean server) {
        return String.valueOf(assertThrows(ConfigException.class, () -> TlsCredentials.of(object, "t", server))
                .getMessage());
    }

    @ParameterizedTest
    @DisplayName("CH-14 tls-creds: a client needs no certificate of its own, but a server does")
    @ValueSource(strings = {"client", "server"})
    void needsOwnCertificate(String endpoint) throws Exception {
        Path empty = Files.createDirectories(folder.resolve("empty-" + endpoint));
        Files.copy(certificates.folder().resolve("ca-cert.pem"), empty.resolve("ca-cert.pem"));
        String options = "tls-creds-x509,id=t,dir=" + empty + ",endpoint=" + endpoint;
        if (endpoint.equals("client")) {
            assertNotNull(((TlsCredentials) add(options)).engine("localhost"));
        } else {
            assertEquals(
                    "Unable to access credentials " + empty + "/server-cert.pem: No such file or directory",
                    refusal(options));
        }
    }

    /** The refusal of a folder in which one pair is put in the place of the server's. */
    private String refusalOf(String certificate, String key) throws Exception {
        Path odd = Files.createTempDirectory(folder, "odd");
        copy("ca-cert.pem", odd.resolve("ca-cert.pem"));
        copy(certificate + "-cert.pem", odd.resolve("server-cert.pem"));
        copy(key + "-key.pem", odd.resolve("server-key.pem"));
        return refusal("tls-creds-x509,id=t,endpoint=server,dir=" + odd).replace(odd + "/", "");
    }

    private static void copy(String from, Path to) throws Exception {
        Files.copy(certificates.folder().resolve(from), to);
    }

    @Test
    @DisplayName("CH-14 tls-creds: what peers would refuse is refused at once")
    void checksCertificates() throws Exception {
        certificates.authority("elsewhere", "/CN=Elsewhere");
        certificates.issue("foreign", "elsewhere", "/CN=foreign", 10, "basicConstraints=CA:FALSE");
        certificates.issue("old", "ca", "/CN=old", -1, "basicConstraints=CA:FALSE");
        certificates.issue("authority", "ca", "/CN=authority", 10, "basicConstraints=CA:TRUE");
        certificates.issue("mute", "ca", "/CN=mute", 10, "keyUsage=critical,keyAgreement");
        certificates.issue("purpose", "ca", "/CN=purpose", 10, "extendedKeyUsage=critical,clientAuth");

        assertEquals(
                "Our own certificate server-cert.pem failed validation against ca-cert.pem: The certificate hasn't got a"
                        + " known issuer",
                refusalOf("foreign", "foreign"));
        assertEquals("The server certificate server-cert.pem has expired", refusalOf("old", "old"));
        assertEquals(
                "The certificate server-cert.pem basic constraints show a CA, but we need one for a server",
                refusalOf("authority", "authority"));
        assertEquals("Certificate server-cert.pem usage does not permit digital signature", refusalOf("mute", "mute"));
        assertEquals(
                "Certificate server-cert.pem purpose does not allow use with a TLS server",
                refusalOf("purpose", "purpose"));
        assertEquals(
                "Cannot load certificate 'server-cert.pem' & key 'server-key.pem': they do not belong together",
                refusalOf("server", "client"));
    }

    @Test
    @DisplayName("CH-14 tls-creds: an authority must be one")
    void checksAuthority() throws Exception {
        Path odd = Files.createTempDirectory(folder, "odd");
        copy("server-cert.pem", odd.resolve("ca-cert.pem"));
        assertEquals(
                "The certificate " + odd + "/ca-cert.pem basic constraints do not show a CA",
                refusal("tls-creds-x509,id=t,dir=" + odd));
        assertNotNull(add("tls-creds-x509,id=t,sanity-check=off,dir=" + odd));
    }

    @ParameterizedTest
    @DisplayName("CH-14 tls-creds: keys are read in all their forms, also encrypted ones with passwordid")
    @CsvSource({
        "ec -in server-key.pem, false",
        "ec -in server-key.pem -aes128 -passout pass:sesame, true",
        "pkcs8 -topk8 -nocrypt -in server-key.pem, false",
        "pkcs8 -topk8 -in server-key.pem -passout pass:sesame, true",
    })
    void readsKeys(String command, boolean isEncrypted) throws Exception {
        Path odd = Files.createTempDirectory(folder, "odd");
        copy("ca-cert.pem", odd.resolve("ca-cert.pem"));
        copy("server-cert.pem", odd.resolve("server-cert.pem"));
        certificates.openssl((command + " -out " + odd + "/server-key.pem").split(" ", -1));
        String options = "tls-creds-x509,id=t,endpoint=server,dir=" + odd;
        if (isEncrypted) {
            assertTrue(refusal(options).startsWith("Cannot load key '" + odd + "/server-key.pem': "), refusal(options));
            assertEquals("No secret with id 's'", refusal(options + ",passwordid=s"));
            add("secret,id=wrong,data=mellon");
            assertTrue(refusal(options + ",passwordid=wrong").contains("password"), refusal(options));
            add("secret,id=s,format=base64,data=c2VzYW1l");
            options += ",passwordid=s";
        }
        assertNotNull(add(options));
    }

    @Test
    @DisplayName("CH-14 + tls-creds: what is damaged is told in words, without names of classes")
    void tellsOfDamage() throws Exception {
        Path odd = Files.createTempDirectory(folder, "odd");
        for (String name : List.of("ca-cert.pem", "server-cert.pem", "server-key.pem")) {
            copy(name, odd.resolve(name));
        }
        String options = "tls-creds-x509,id=t,endpoint=server,dir=" + odd;
        Path key = odd.resolve("server-key.pem");
        Files.writeString(key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        assertEquals("Cannot load key '" + key + "': it is damaged or of an unknown kind", refusal(options));
        Path list = odd.resolve("ca-crl.pem");
        Files.delete(key);
        copy("server-key.pem", key);
        Files.writeString(list, "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n");
        assertEquals("Cannot load CRL '" + list + "': it is damaged", refusal(options));
        Path certificate = odd.resolve("server-cert.pem");
        Files.writeString(certificate, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
        ConfigException refused = assertThrows(ConfigException.class, () -> add(options));
        assertEquals("Unable to import certificate " + certificate, refused.getMessage());
        assertEquals("it is damaged", refused.hint());
    }

    @Test
    @DisplayName("CH-14 tls-creds: RSA keys in PKCS#1 are read too")
    void readsRsaKeys() throws Exception {
        Path odd = Files.createTempDirectory(folder, "odd");
        copy("ca-cert.pem", odd.resolve("ca-cert.pem"));
        certificates.openssl("genrsa", "-traditional", "-out", odd + "/server-key.pem", "2048");
        certificates.openssl("req", "-new", "-key", odd + "/server-key.pem", "-subj", "/CN=rsa", "-out", odd + "/csr");
        certificates.openssl(
                "x509",
                "-req",
                "-in",
                odd + "/csr",
                "-CA",
                "ca-cert.pem",
                "-CAkey",
                "ca-key.pem",
                "-CAcreateserial",
                "-days",
                "5",
                "-out",
                odd + "/server-cert.pem");
        assertNotNull(add("tls-creds-x509,id=t,endpoint=server,dir=" + odd));
    }

    @Test
    @DisplayName("CH-14 tls-creds: a list of revoked certificates that no authority has signed is refused")
    void checksRevocationList() throws Exception {
        Certificates others = new Certificates(folder.resolve("others")).usual();
        others.revoke("client");
        Path odd = Files.createTempDirectory(folder, "odd");
        copy("ca-cert.pem", odd.resolve("ca-cert.pem"));
        Files.copy(others.folder().resolve("ca-crl.pem"), odd.resolve("ca-crl.pem"));
        assertEquals(
                "Cannot load CRL '" + odd + "/ca-crl.pem': none of the CAs has signed it",
                refusal("tls-creds-x509,id=t,dir=" + odd));
    }

    @Test
    @DisplayName("CH-14 tls-creds: of priority only the versions of TLS can be honoured")
    void readsPriority() throws Exception {
        TlsCredentials old = (TlsCredentials) add(credentials("priority=NORMAL:-VERS-ALL:+VERS-TLS1.2"));
        assertEquals(
                List.of("TLSv1.2"), List.of(old.engine("h").getSSLParameters().getProtocols()));
        ConfigException refused = assertThrows(
                ConfigException.class,
                () -> add(credentials("priority=NORMAL:+ANON-DH").replace("id=t", "id=u")));
        assertEquals("Unable to set TLS session priority NORMAL:+ANON-DH", refused.getMessage());
        assertTrue(refused.hint().contains("-VERS-TLS1.2"), refused.hint());
    }
}
