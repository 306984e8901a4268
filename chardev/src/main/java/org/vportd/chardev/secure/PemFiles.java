package org.vportd.chardev.secure;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.CRL;
import java.security.cert.CRLException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKey;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.openssl.PEMEncryptedKeyPair;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.bc.BcPEMDecryptorProvider;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;

/** Reads what a folder of credentials holds. */
final class PemFiles {
    private static final int MAX_LENGTH = 4 << 20;

    private final Path folder;

    PemFiles(Path folder) {
        this.folder = folder;
    }

    /** The whole name of a file. */
    String path(String name) {
        return folder.resolve(name).toString();
    }

    /** The certificates of a file, at least one; empty if the file is not there. */
    Optional<List<X509Certificate>> certificates(String name) throws ConfigException {
        Optional<byte[]> bytes = bytes(name);
        if (bytes.isEmpty()) {
            return Optional.empty();
        }
        List<X509Certificate> certificates = new ArrayList<>();
        try {
            for (Certificate each : factory().generateCertificates(new ByteArrayInputStream(bytes.get()))) {
                certificates.add((X509Certificate) each);
            }
        } catch (CertificateException e) {
            throw new ConfigException("Unable to import certificate " + path(name), "it is damaged");
        }
        if (certificates.isEmpty()) {
            throw new ConfigException("Unable to import certificate " + path(name), "there is none in it");
        }
        return Optional.of(List.copyOf(certificates));
    }

    /** The lists of revoked certificates of a file; empty if the file is not there. */
    List<X509CRL> revocations(String name) throws ConfigException {
        Optional<byte[]> bytes = bytes(name);
        List<X509CRL> lists = new ArrayList<>();
        if (bytes.isEmpty()) {
            return lists;
        }
        try {
            for (CRL each : factory().generateCRLs(new ByteArrayInputStream(bytes.get()))) {
                lists.add((X509CRL) each);
            }
        } catch (CertificateException | CRLException e) {
            throw new ConfigException("Cannot load CRL '" + path(name) + "': it is damaged");
        }
        if (lists.isEmpty()) {
            throw new ConfigException("Cannot load CRL '" + path(name) + "': there is none in it");
        }
        return lists;
    }

    /**
     * The key of a file; empty if the file is not there.
     *
     * @param password for one that is encrypted, may be empty
     */
    Optional<PrivateKey> key(String name, char[] password) throws ConfigException {
        Optional<byte[]> bytes = bytes(name);
        if (bytes.isEmpty()) {
            return Optional.empty();
        }
        try (PEMParser parser = new PEMParser(new BufferedReader(
                new InputStreamReader(new ByteArrayInputStream(bytes.get()), StandardCharsets.ISO_8859_1)))) {
            for (Object object = parser.readObject(); object != null; object = parser.readObject()) {
                if (isEncrypted(object) && password.length == 0) {
                    throw new ConfigException(
                            "Cannot load key '" + path(name) + "': it is encrypted, and 'passwordid' is not given");
                }
                PrivateKeyInfo info = keyInfo(object, password);
                if (info != null) {
                    return Optional.of(new JcaPEMKeyConverter().getPrivateKey(info));
                }
            }
        } catch (IOException | GeneralSecurityException | RuntimeException e) {
            String whose = password.length == 0 ? "" : "the password may be wrong, or ";
            throw new ConfigException( // in words of its own: those of libraries name their classes
                    "Cannot load key '" + path(name) + "': " + whose + "it is damaged or of an unknown kind");
        }
        throw new ConfigException("Cannot load key '" + path(name) + "': there is none in it");
    }

    private static boolean isEncrypted(Object object) {
        return object instanceof PEMEncryptedKeyPair || object instanceof PKCS8EncryptedPrivateKeyInfo;
    }

    private static @Nullable PrivateKeyInfo keyInfo(Object object, char[] password)
            throws IOException, GeneralSecurityException {
        if (object instanceof PrivateKeyInfo info) {
            return info;
        }
        if (object instanceof PEMKeyPair pair) {
            return pair.getPrivateKeyInfo();
        }
        if (object instanceof PEMEncryptedKeyPair pair) {
            return pair.decryptKeyPair(new BcPEMDecryptorProvider(password)).getPrivateKeyInfo();
        }
        if (object instanceof PKCS8EncryptedPrivateKeyInfo info) {
            return decrypted(new EncryptedPrivateKeyInfo(info.getEncoded()), password);
        }
        return null; // parameters of a curve, a certificate
    }

    private static PrivateKeyInfo decrypted(EncryptedPrivateKeyInfo info, char[] password)
            throws IOException, GeneralSecurityException {
        // For the schemes in use today the algorithm's own name is only in the parameters, before JDK 19.
        String named = info.getAlgName();
        String algorithm =
                named.startsWith("PBE") && !named.equals("PBES2") ? named : String.valueOf(info.getAlgParameters());
        SecretKey key = SecretKeyFactory.getInstance(algorithm).generateSecret(new PBEKeySpec(password));
        Cipher cipher = Cipher.getInstance(algorithm);
        cipher.init(Cipher.DECRYPT_MODE, key, info.getAlgParameters());
        return PrivateKeyInfo.getInstance(info.getKeySpec(cipher).getEncoded());
    }

    private static CertificateFactory factory() throws CertificateException {
        return CertificateFactory.getInstance("X.509");
    }

    private Optional<byte[]> bytes(String name) throws ConfigException {
        Path file = folder.resolve(name);
        try {
            if (Files.size(file) > MAX_LENGTH) {
                throw new ConfigException(
                        "Unable to access credentials " + file + ": more than " + MAX_LENGTH + " bytes");
            }
            return Optional.of(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (AccessDeniedException e) {
            throw new ConfigException("Unable to access credentials " + file + ": Permission denied");
        } catch (IOException e) {
            throw new ConfigException("Unable to access credentials " + file + ": " + e.getMessage());
        }
    }
}
