package org.vportd.chardev.secure;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.CertificateParsingException;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXReason;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.vportd.chardev.ConfigException;

/** Finds what is wrong with credentials before a peer does. */
final class CertificateCheck {
    private static final String KEY_USAGE = "2.5.29.15";
    private static final String EXTENDED_KEY_USAGE = "2.5.29.37";
    private static final String BASIC_CONSTRAINTS = "2.5.29.19";
    private static final String PURPOSE_SERVER = "1.3.6.1.5.5.7.3.1";
    private static final String PURPOSE_CLIENT = "1.3.6.1.5.5.7.3.2";
    private static final String PURPOSE_ANY = "2.5.29.37.0";
    private static final int DIGITAL_SIGNATURE = 0;
    private static final int KEY_CERT_SIGN = 5;

    private final boolean server;

    CertificateCheck(boolean server) {
        this.server = server;
    }

    private String role() {
        return server ? "server" : "client";
    }

    /** One that issues others. */
    void checkAuthority(X509Certificate certificate, String file) throws ConfigException {
        checkDates(certificate, "CA", file);
        if (certificate.getBasicConstraints() < 0) {
            throw new ConfigException(
                    certificate.getExtensionValue(BASIC_CONSTRAINTS) == null
                            ? "The certificate " + file + " is missing basic constraints for a CA"
                            : "The certificate " + file + " basic constraints do not show a CA");
        }
        if (!permits(certificate, KEY_CERT_SIGN)) {
            throw new ConfigException("Certificate " + file + " usage does not permit certificate signing");
        }
    }

    /** One that this end shows to its peers. */
    void checkOwn(X509Certificate certificate, String file) throws ConfigException {
        checkDates(certificate, role(), file);
        if (certificate.getBasicConstraints() >= 0) {
            throw new ConfigException(
                    "The certificate " + file + " basic constraints show a CA, but we need one for a " + role());
        }
        if (!permits(certificate, DIGITAL_SIGNATURE)) {
            throw new ConfigException("Certificate " + file + " usage does not permit digital signature");
        }
        if (!hasPurpose(certificate, file)) {
            throw new ConfigException("Certificate " + file + " purpose does not allow use with a TLS " + role());
        }
    }

    private static void checkDates(X509Certificate certificate, String kind, String file) throws ConfigException {
        try {
            certificate.checkValidity();
        } catch (CertificateExpiredException e) {
            throw new ConfigException("The " + kind + " certificate " + file + " has expired");
        } catch (CertificateNotYetValidException e) {
            throw new ConfigException("The " + kind + " certificate " + file + " is not yet active");
        }
    }

    /** A use that is left out counts as forbidden only where the certificate insists. */
    private static boolean permits(X509Certificate certificate, int use) {
        boolean[] uses = certificate.getKeyUsage();
        return uses == null || uses[use] || !isCritical(certificate, KEY_USAGE);
    }

    private boolean hasPurpose(X509Certificate certificate, String file) throws ConfigException {
        List<String> purposes;
        try {
            purposes = certificate.getExtendedKeyUsage();
        } catch (CertificateParsingException e) {
            throw new ConfigException("Unable to query certificate " + file + " key purpose: " + e.getMessage());
        }
        return purposes == null
                || purposes.contains(server ? PURPOSE_SERVER : PURPOSE_CLIENT)
                || purposes.contains(PURPOSE_ANY)
                || !isCritical(certificate, EXTENDED_KEY_USAGE);
    }

    private static boolean isCritical(X509Certificate certificate, String extension) {
        Set<String> critical = certificate.getCriticalExtensionOIDs();
        return critical != null && critical.contains(extension);
    }

    /** One of its own must come from one of the authorities, as its peers will demand. */
    void checkIssuer(List<X509Certificate> chain, String file, List<X509Certificate> authorities, String authorityFile)
            throws ConfigException {
        try {
            Set<TrustAnchor> anchors = new HashSet<>();
            authorities.forEach(each -> anchors.add(new TrustAnchor(each, null)));
            PKIXParameters parameters = new PKIXParameters(anchors);
            parameters.setRevocationEnabled(false);
            List<X509Certificate> path =
                    chain.stream().filter(each -> !authorities.contains(each)).toList();
            CertPathValidator.getInstance("PKIX")
                    .validate(CertificateFactory.getInstance("X.509").generateCertPath(path), parameters);
        } catch (CertPathValidatorException e) {
            throw new ConfigException(
                    "Our own certificate " + file + " failed validation against " + authorityFile + ": " + reason(e),
                    String.valueOf(e.getMessage()));
        } catch (GeneralSecurityException e) {
            throw new ConfigException(
                    "Unable to verify " + role() + " certificate " + file + " against CA certificate " + authorityFile);
        }
    }

    private static String reason(CertPathValidatorException e) {
        if (e.getReason() == PKIXReason.NO_TRUST_ANCHOR) {
            return "The certificate hasn't got a known issuer";
        }
        return e.getReason() == BasicReason.ALGORITHM_CONSTRAINED
                ? "The certificate uses an insecure algorithm"
                : "The certificate is not trusted";
    }

    /** The key must be the one that the certificate speaks of. */
    static void checkPair(X509Certificate certificate, String file, PrivateKey key, String keyFile)
            throws ConfigException {
        String what = "Cannot load certificate '" + file + "' & key '" + keyFile + "': ";
        String algorithm = switch (key.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            case "EdDSA", "Ed25519", "Ed448" -> "EdDSA";
            default -> throw new ConfigException(what + "a key of this kind is not supported: " + key.getAlgorithm());
        };
        try {
            Signature signature = Signature.getInstance(algorithm);
            byte[] text = file.getBytes(StandardCharsets.UTF_8);
            signature.initSign(key);
            signature.update(text);
            byte[] signed = signature.sign();
            signature.initVerify(certificate.getPublicKey());
            signature.update(text);
            if (signature.verify(signed)) {
                return;
            }
        } catch (GeneralSecurityException e) {
            // of another kind, or another curve
        }
        throw new ConfigException(what + "they do not belong together");
    }
}
