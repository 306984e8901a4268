package org.vportd.chardev.secure;

import java.security.cert.X509Certificate;
import java.util.Map;
import java.util.StringJoiner;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1String;
import org.bouncycastle.asn1.x500.AttributeTypeAndValue;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x500.style.IETFUtils;

/**
 * The name of a certificate's owner as GnuTLS, and so QEMU, writes it: escaped as in RFC 4514, but in the order in which it
 * is in the certificate, for example {@code C=GB,O=Example,CN=client}.
 */
public final class DistinguishedName {
    private static final Map<ASN1ObjectIdentifier, String> NAMES = Map.ofEntries(
            Map.entry(BCStyle.C, "C"),
            Map.entry(BCStyle.CN, "CN"),
            Map.entry(BCStyle.DC, "DC"),
            Map.entry(BCStyle.E, "EMAIL"),
            Map.entry(BCStyle.GIVENNAME, "givenName"),
            Map.entry(BCStyle.INITIALS, "initials"),
            Map.entry(BCStyle.L, "L"),
            Map.entry(BCStyle.NAME, "name"),
            Map.entry(BCStyle.O, "O"),
            Map.entry(BCStyle.OU, "OU"),
            Map.entry(BCStyle.SERIALNUMBER, "serialNumber"),
            Map.entry(BCStyle.ST, "ST"),
            Map.entry(BCStyle.STREET, "street"),
            Map.entry(BCStyle.SURNAME, "surName"),
            Map.entry(BCStyle.T, "title"),
            Map.entry(BCStyle.UID, "UID"));

    private DistinguishedName() {}

    /** The name of who was given a certificate. */
    public static String of(X509Certificate certificate) {
        X500Name name =
                X500Name.getInstance(certificate.getSubjectX500Principal().getEncoded());
        StringJoiner text = new StringJoiner(",");
        for (RDN part : name.getRDNs()) {
            StringJoiner values = new StringJoiner("+");
            for (AttributeTypeAndValue each : part.getTypesAndValues()) {
                String type = NAMES.getOrDefault(each.getType(), each.getType().getId());
                values.add(type + "=" + value(each.getValue()));
            }
            text.add(values.toString());
        }
        return text.toString();
    }

    private static String value(ASN1Encodable value) {
        if (!(value instanceof ASN1String string)) {
            return IETFUtils.valueToString(value); // # and hexadecimal digits
        }
        String plain = string.getString();
        StringBuilder escaped = new StringBuilder();
        for (int i = 0; i < plain.length(); i++) {
            char c = plain.charAt(i);
            boolean isFirstOrLast = i == 0 || i == plain.length() - 1;
            if (c == 0) {
                escaped.append("\\00");
                continue;
            }
            if (",+\"\\<>;".indexOf(c) >= 0 || (c == ' ' && isFirstOrLast) || (c == '#' && i == 0)) {
                escaped.append('\\');
            }
            escaped.append(c);
        }
        return escaped.toString();
    }
}
