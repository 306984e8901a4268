package org.vportd.chardev.secure;

import java.util.ArrayList;
import java.util.List;
import org.vportd.chardev.ConfigException;

/** The part of GnuTLS's priority texts that can be honoured here: which versions of TLS may be used. */
final class TlsVersions {
    private static final String ACCEPTED =
            "accepted: NORMAL, followed by any of :-VERS-ALL, :-VERS-TLS-ALL, :+VERS-TLS1.2,"
                    + " :-VERS-TLS1.2, :+VERS-TLS1.3, :-VERS-TLS1.3";

    private TlsVersions() {}

    static String[] parse(String priority) throws ConfigException {
        List<String> versions = new ArrayList<>(List.of("TLSv1.2", "TLSv1.3"));
        String[] words = priority.split(":", -1);
        boolean isKnown = words[0].equals("NORMAL");
        for (int i = 1; i < words.length && isKnown; i++) {
            isKnown = apply(words[i], versions);
        }
        if (!isKnown || versions.isEmpty()) {
            throw new ConfigException("Unable to set TLS session priority " + priority, ACCEPTED);
        }
        return versions.toArray(String[]::new);
    }

    private static boolean apply(String word, List<String> versions) {
        switch (word) {
            case "-VERS-ALL", "-VERS-TLS-ALL" -> versions.clear();
            case "-VERS-TLS1.2" -> versions.remove("TLSv1.2");
            case "-VERS-TLS1.3" -> versions.remove("TLSv1.3");
            case "+VERS-TLS1.2" -> add(versions, "TLSv1.2");
            case "+VERS-TLS1.3" -> add(versions, "TLSv1.3");
            case "-VERS-TLS1.0", "-VERS-TLS1.1" -> {} // never used
            default -> {
                return false;
            }
        }
        return true;
    }

    private static void add(List<String> versions, String version) {
        if (!versions.contains(version)) {
            versions.add(version);
        }
    }
}
