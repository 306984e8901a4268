package org.vportd.chardev.secure;

import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509CRL;
import java.security.cert.X509CRLEntry;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.vportd.chardev.ConfigException;

/**
 * Trusts peers whose certificate comes from one of the authorities and is on none of their lists of revoked ones. An
 * authority without a list has revoked nothing; one whose list is too old is not believed any more.
 */
final class PeerTrust extends X509ExtendedTrustManager {
    private final X509ExtendedTrustManager chains;
    private final List<X509CRL> revocations;

    private PeerTrust(X509ExtendedTrustManager chains, List<X509CRL> revocations) {
        this.chains = chains;
        this.revocations = revocations;
    }

    /** Makes one; lists that none of the authorities has signed are refused. */
    static PeerTrust of(List<X509Certificate> authorities, List<X509CRL> revocations, String revocationFile)
            throws ConfigException, GeneralSecurityException {
        for (X509CRL list : revocations) {
            if (authorities.stream().noneMatch(authority -> hasSigned(authority, list))) {
                throw new ConfigException("Cannot load CRL '" + revocationFile + "': none of the CAs has signed it");
            }
        }
        KeyStore store = MemoryKeyStore.empty();
        for (int i = 0; i < authorities.size(); i++) {
            store.setCertificateEntry("ca" + i, authorities.get(i));
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        for (TrustManager manager : factory.getTrustManagers()) {
            if (manager instanceof X509ExtendedTrustManager chains) {
                return new PeerTrust(chains, List.copyOf(revocations));
            }
        }
        throw new GeneralSecurityException("no trust manager");
    }

    private static boolean hasSigned(X509Certificate authority, X509CRL list) {
        try {
            list.verify(authority.getPublicKey());
            return authority.getSubjectX500Principal().equals(list.getIssuerX500Principal());
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private void checkRevocations(X509Certificate[] chain) throws CertificateException {
        for (X509Certificate certificate : chain) {
            for (X509CRL list : revocations) {
                if (list.getIssuerX500Principal().equals(certificate.getIssuerX500Principal())) {
                    check(certificate, list);
                }
            }
        }
    }

    private static void check(X509Certificate certificate, X509CRL list) throws CertificateException {
        X509CRLEntry entry = list.getRevokedCertificate(certificate);
        if (entry != null) {
            throw new CertificateException("The certificate has been revoked");
        }
        Date next = list.getNextUpdate();
        if (next != null && next.toInstant().isBefore(Instant.now())) {
            throw new CertificateException("The revocation data are old and have been superseded");
        }
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        chains.checkClientTrusted(chain, authType, engine);
        checkRevocations(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        chains.checkServerTrusted(chain, authType, engine);
        checkRevocations(chain);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        chains.checkClientTrusted(chain, authType, socket);
        checkRevocations(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        chains.checkServerTrusted(chain, authType, socket);
        checkRevocations(chain);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        chains.checkClientTrusted(chain, authType);
        checkRevocations(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        chains.checkServerTrusted(chain, authType);
        checkRevocations(chain);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return chains.getAcceptedIssuers();
    }
}
