package org.vportd.chardev.layer;

import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Says why TLS failed, in words that do not want knowledge of the engine. */
final class TlsFailure {
    private static final String NO_CERTIFICATE = "Empty client certificate chain";
    /** What the engine makes of an alert in the clear where the keys had been agreed on already. */
    private static final String ALERT_IN_THE_CLEAR = "Insufficient buffer remaining for AEAD cipher fragment";

    private TlsFailure() {}

    /** The reason, in one line without control characters. */
    static String text(SSLException failure) {
        String message = String.valueOf(failure.getMessage());
        if (message.contains(NO_CERTIFICATE)) {
            return "No certificate was found";
        }
        if (message.contains(ALERT_IN_THE_CLEAR)) {
            return "the peer gave up; it may not trust the certificate it was shown";
        }
        StringBuilder all = new StringBuilder(message);
        for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
            String known = ofCertificate(cause);
            if (known != null) {
                return known;
            }
            String more = cause.getMessage();
            if (more != null && all.indexOf(more) < 0) {
                all.append(": ").append(more);
            }
        }
        return all.toString().replaceAll("[\\p{Cntrl}]", "?");
    }

    private static @Nullable String ofCertificate(Throwable cause) {
        if (cause instanceof CertificateExpiredException) {
            return "The certificate has expired";
        }
        if (cause instanceof CertificateNotYetValidException) {
            return "The certificate is not yet active";
        }
        if (cause.getCause() != null) {
            return null; // which is more exact
        }
        if (cause instanceof CertPathBuilderException) {
            return "The certificate hasn't got a known issuer";
        }
        return cause instanceof CertPathValidatorException
                ? "The certificate is not valid: " + cause.getMessage()
                : null;
    }
}
