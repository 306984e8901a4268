package org.vportd.chardev.secure;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;

/** Decides who may connect. */
public abstract class Authorization extends UserObject {
    /** For the types. */
    protected Authorization() {}

    /**
     * What {@code tls-authz} refers to.
     *
     * @param object what there is under the id, or null
     * @throws ConfigException if that decides nothing
     */
    public static Authorization of(@Nullable Object object, String id) throws ConfigException {
        if (object == null) {
            throw new ConfigException("Cannot find QAuthZ object ID " + id);
        }
        if (object instanceof Authorization authorization) {
            return authorization;
        }
        throw new ConfigException("Object '" + id + "' is not a QAuthZ subclass");
    }

    /**
     * Whether somebody may connect.
     *
     * @param identity for TLS the certificate's name, see {@link DistinguishedName}
     */
    public abstract boolean isAllowed(String identity);
}
