package org.vportd.monitor;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.vportd.monitor.schema.ArrayType;
import org.vportd.monitor.schema.Builtin;
import org.vportd.monitor.schema.EnumType;
import org.vportd.monitor.schema.Member;
import org.vportd.monitor.schema.ObjectType;

/** How {@code object-add} describes an object: QEMU's {@code ObjectOptions}, of the types there are. */
final class ObjectSchema {
    private static final EnumType POLICY = EnumType.of("QAuthZListPolicy", "deny", "allow");
    private static final ObjectType RULE = ObjectType.of(
            "QAuthZListRule",
            Member.required("match", Builtin.STR),
            Member.required("policy", POLICY),
            Member.optional("format", EnumType.of("QAuthZListFormat", "exact", "glob")));

    /** The arguments of the command. */
    static final ObjectType OPTIONS = options(new TreeMap<>(Map.of(
            "authz-list",
            ObjectType.of(
                    "AuthZListProperties",
                    Member.optional("policy", POLICY),
                    Member.optional("rules", new ArrayType(RULE))),
            "monitor-hmp",
            ObjectType.of(
                    "MonitorHMPProperties",
                    Member.required("chardev", Builtin.STR),
                    Member.optional("readline", Builtin.BOOL)),
            "monitor-qmp",
            ObjectType.of(
                    "MonitorQMPProperties",
                    Member.required("chardev", Builtin.STR),
                    Member.optional("pretty", Builtin.BOOL),
                    Member.optional("close-action", EnumType.of("MonitorQMPCloseAction", "none", "delete"))),
            "authz-simple",
            ObjectType.of("AuthZSimpleProperties", Member.required("identity", Builtin.STR)),
            "secret",
            ObjectType.of(
                    "SecretProperties",
                    Member.optional("data", Builtin.STR),
                    Member.optional("file", Builtin.STR),
                    Member.optional("format", EnumType.of("QCryptoSecretFormat", "raw", "base64"))),
            "tls-creds-x509",
            ObjectType.of(
                    "TlsCredsX509Properties",
                    Member.optional("dir", Builtin.STR),
                    Member.optional("endpoint", EnumType.of("QCryptoTLSCredsEndpoint", "client", "server")),
                    Member.optional("passwordid", Builtin.STR),
                    Member.optional("priority", Builtin.STR),
                    Member.optional("sanity-check", Builtin.BOOL),
                    Member.optional("verify-peer", Builtin.BOOL)))));

    private ObjectSchema() {}

    private static ObjectType options(Map<String, ObjectType> types) {
        EnumType type = new EnumType("ObjectType", List.copyOf(types.keySet()));
        return new ObjectType(
                "ObjectOptions",
                List.of(Member.required("qom-type", type), Member.required("id", Builtin.STR)),
                "qom-type",
                types,
                false);
    }
}
