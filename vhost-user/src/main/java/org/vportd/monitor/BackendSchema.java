package org.vportd.monitor;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.vportd.monitor.schema.AlternateType;
import org.vportd.monitor.schema.ArrayType;
import org.vportd.monitor.schema.Builtin;
import org.vportd.monitor.schema.EnumType;
import org.vportd.monitor.schema.IntegerType;
import org.vportd.monitor.schema.Member;
import org.vportd.monitor.schema.ObjectType;
import org.vportd.monitor.schema.Type;

/**
 * How {@code chardev-add} and {@code chardev-change} describe a chardev: QEMU's {@code ChardevBackend}, with members of our
 * own. Types that cannot be made here are described as well, so that the client hears that rather than that its arguments
 * are wrong.
 */
final class BackendSchema {
    private static final Member LOGFILE = text("logfile");

    /** The base of all types; those after the first two are our own. */
    private static final ObjectType COMMON = ObjectType.of(
            "ChardevCommon",
            LOGFILE,
            flag("logappend"),
            Member.optional("logmaxsize", IntegerType.SIZE),
            Member.optional("logkeep", IntegerType.INT),
            flag("logtimestamp"));

    private static final ObjectType INET = ObjectType.of(
            "InetSocketAddress",
            Member.required("host", Builtin.STR),
            Member.required("port", Builtin.STR),
            flag("numeric"),
            Member.optional("to", IntegerType.UINT16),
            flag("ipv4"),
            flag("ipv6"),
            flag("keep-alive"),
            Member.optional("keep-alive-count", IntegerType.UINT32),
            Member.optional("keep-alive-idle", IntegerType.UINT32),
            Member.optional("keep-alive-interval", IntegerType.UINT32),
            flag("mptcp"));
    private static final ObjectType UNIX =
            ObjectType.of("UnixSocketAddress", Member.required("path", Builtin.STR), flag("abstract"), flag("tight"));
    private static final ObjectType VSOCK = ObjectType.of(
            "VsockSocketAddress", Member.required("cid", Builtin.STR), Member.required("port", Builtin.STR));
    private static final ObjectType FD = ObjectType.of("FdSocketAddress", Member.required("str", Builtin.STR));
    private static final ObjectType ADDRESS = union(
            "SocketAddressLegacy", "SocketAddressType", Map.of("inet", INET, "unix", UNIX, "vsock", VSOCK, "fd", FD));

    /** One of the chardevs behind a hub: its id, or that and what is to be done if it is slow; the latter is our own. */
    private static final Type HUB_MEMBER = new AlternateType(
            "HubMember",
            List.of(
                    Builtin.STR,
                    ObjectType.of(
                            "HubMemberOptions",
                            Member.required("id", Builtin.STR),
                            Member.optional("slow", EnumType.of("HubSlowPolicy", "throttle", "skip")),
                            Member.optional("replay", IntegerType.SIZE))));

    private static final ObjectType DEVICE = COMMON.extend("ChardevHostdev", Member.required("device", Builtin.STR));
    private static final ObjectType RINGBUF = COMMON.extend("ChardevRingbuf", Member.optional("size", IntegerType.INT));

    /** The description of a chardev. */
    static final ObjectType BACKEND = union("ChardevBackend", "ChardevBackendKind", types());

    private BackendSchema() {}

    private static Member text(String name) {
        return Member.optional(name, Builtin.STR);
    }

    private static Member flag(String name) {
        return Member.optional(name, Builtin.BOOL);
    }

    private static Member number(String name) {
        return Member.optional(name, IntegerType.INT);
    }

    /** A union whose branches each are in a member {@code data}. */
    private static ObjectType union(String name, String tagName, Map<String, ObjectType> branches) {
        Map<String, ObjectType> wrapped = new TreeMap<>();
        branches.forEach((word, data) ->
                wrapped.put(word, ObjectType.of(data.name() + "Wrapper", Member.required("data", data))));
        EnumType tag = new EnumType(tagName, List.copyOf(wrapped.keySet()));
        return ObjectType.union(name, "type", tag, wrapped);
    }

    private static Map<String, ObjectType> types() {
        Map<String, ObjectType> types = new TreeMap<>();
        for (String plain : new String[] {"null", "msmouse", "wctablet", "braille", "testdev"}) {
            types.put(plain, COMMON);
        }
        types.put("mux-be", COMMON);
        types.put(
                "file", COMMON.extend("ChardevFile", text("in"), Member.required("out", Builtin.STR), flag("append")));
        types.put("pipe", DEVICE);
        types.put("serial", DEVICE);
        types.put("parallel", DEVICE);
        types.put("socket", socket());
        types.put(
                "udp",
                COMMON.extend("ChardevUdp", Member.required("remote", ADDRESS), Member.optional("local", ADDRESS)));
        types.put("pty", COMMON.extend("ChardevPty", text("path")));
        types.put("mux", COMMON.extend("ChardevMux", Member.required("chardev", Builtin.STR)));
        types.put(
                "hub",
                COMMON.extend("ChardevHub", Member.required("chardevs", new ArrayType(HUB_MEMBER)), text("writer")));
        types.put("stdio", COMMON.extend("ChardevStdio", flag("signal")));
        types.put("spicevmc", COMMON.extend("ChardevSpiceChannel", Member.required("type", Builtin.STR)));
        types.put("spiceport", COMMON.extend("ChardevSpicePort", Member.required("fqdn", Builtin.STR)));
        types.put("dbus", COMMON.extend("ChardevDBus", Member.required("name", Builtin.STR)));
        types.put("qemu-vdagent", COMMON.extend("ChardevQemuVDAgent", flag("mouse"), flag("clipboard")));
        types.put("vc", COMMON.extend("ChardevVC", number("width"), number("height"), number("cols"), number("rows")));
        types.put("ringbuf", RINGBUF);
        types.put("memory", RINGBUF);
        return types;
    }

    private static ObjectType socket() {
        return COMMON.extend(
                "ChardevSocket",
                Member.required("addr", ADDRESS),
                text("tls-creds"),
                text("tls-authz"),
                flag("server"),
                flag("wait"),
                flag("nodelay"),
                flag("telnet"),
                flag("tn3270"),
                flag("websocket"),
                number("reconnect"),
                number("reconnect-ms"));
    }
}
