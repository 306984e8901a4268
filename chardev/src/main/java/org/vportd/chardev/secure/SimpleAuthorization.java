package org.vportd.chardev.secure;

import java.util.Set;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/** Lets one in, and nobody else. */
final class SimpleAuthorization extends Authorization {
    static final Set<String> KEYS = Set.of("identity");

    private final String identity;

    private SimpleAuthorization(String identity) {
        this.identity = identity;
    }

    static SimpleAuthorization parse(Options options) throws ConfigException {
        return new SimpleAuthorization(UserObjects.required(options, "identity"));
    }

    @Override
    public boolean isAllowed(String candidate) {
        return identity.equals(candidate);
    }
}
