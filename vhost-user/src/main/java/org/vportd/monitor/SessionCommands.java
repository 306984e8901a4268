package org.vportd.monitor;

import java.util.List;
import java.util.Map;
import org.vportd.monitor.schema.ArrayType;
import org.vportd.monitor.schema.Builtin;
import org.vportd.monitor.schema.EnumType;
import org.vportd.monitor.schema.IntegerType;
import org.vportd.monitor.schema.Member;
import org.vportd.monitor.schema.ObjectType;

/** The commands about the conversation and the program as a whole. */
final class SessionCommands {
    /** The command that comes first. */
    static final String NEGOTIATION = "qmp_capabilities";

    private static final ObjectType CAPABILITIES =
            ObjectType.of(NEGOTIATION, Member.optional("enable", new ArrayType(EnumType.of("QMPCapability", "oob"))));
    private static final ObjectType VERSION = ObjectType.of(
            "VersionInfo",
            Member.required(
                    "qemu",
                    ObjectType.of(
                            "VersionTriple",
                            Member.required("major", IntegerType.INT),
                            Member.required("minor", IntegerType.INT),
                            Member.required("micro", IntegerType.INT))),
            Member.required("package", Builtin.STR));
    private static final ObjectType COMMAND_INFO = ObjectType.of("CommandInfo", Member.required("name", Builtin.STR));
    private static final ObjectType NAME = ObjectType.of("NameInfo", Member.optional("name", Builtin.STR));
    private static final ObjectType STATUS = ObjectType.of(
            "StatusInfo",
            Member.required("running", Builtin.BOOL),
            Member.required("status", EnumType.of("RunState", "running")));
    private static final ObjectType HUMAN = ObjectType.of(
            "human-monitor-command",
            Member.required("command-line", Builtin.STR),
            Member.optional("cpu-index", IntegerType.INT));

    private final MonitorEnvironment environment;
    private final Monitors monitors;

    SessionCommands(MonitorEnvironment environment, Monitors monitors) {
        this.environment = environment;
        this.monitors = monitors;
    }

    void addTo(CommandTable table) {
        table.add(NEGOTIATION, CAPABILITIES, ObjectType.EMPTY, (arguments, session) -> {
            session.negotiate(arguments.list("enable"));
            return null;
        });
        table.add(
                "query-version",
                ObjectType.EMPTY,
                VERSION,
                (arguments, session) -> environment.version().toJson());
        table.add(
                "query-commands",
                ObjectType.EMPTY,
                new ArrayType(COMMAND_INFO),
                (arguments, session) -> table.all().stream()
                        .map(command -> Map.of("name", command.name()))
                        .toList());
        table.add(
                "query-qmp-schema",
                ObjectType.EMPTY,
                new ArrayType(SchemaOfSchema.INFO),
                (arguments, session) -> table.schema());
        table.add("query-name", ObjectType.EMPTY, NAME, (arguments, session) -> {
            String name = environment.name();
            return name == null ? Map.of() : Map.of("name", name);
        });
        table.add(
                "query-status",
                ObjectType.EMPTY,
                STATUS,
                (arguments, session) -> Members.of("status", "running", "running", true));
        table.add(
                "human-monitor-command",
                HUMAN,
                Builtin.STR,
                (arguments, session) -> monitors.human()
                        .execute(arguments.string("command-line"), session)
                        .replaceAll("\r?\n", "\r\n"));
        table.add("quit", ObjectType.EMPTY, ObjectType.EMPTY, (arguments, session) -> {
            monitors.shuttingDown();
            session.afterReply(() -> {
                monitors.flush(); // other clients have the event to hear
                environment.quit().run();
            });
            return null;
        });
    }

    /** What {@code query-qmp-schema} says of itself. */
    private static final class SchemaOfSchema {
        private static final EnumType META_TYPE =
                EnumType.of("SchemaMetaType", "builtin", "enum", "array", "object", "alternate", "command", "event");
        private static final EnumType JSON_TYPE =
                EnumType.of("JSONType", "string", "number", "int", "boolean", "null", "object", "array", "value");
        private static final ObjectType MEMBER = ObjectType.of(
                "SchemaInfoObjectMember",
                Member.required("name", Builtin.STR),
                Member.required("type", Builtin.STR),
                Member.optional("default", Builtin.ANY));
        private static final ObjectType VARIANT = ObjectType.of(
                "SchemaInfoObjectVariant", Member.required("case", Builtin.STR), Member.required("type", Builtin.STR));
        private static final ObjectType ENUM_MEMBER =
                ObjectType.of("SchemaInfoEnumMember", Member.required("name", Builtin.STR));
        private static final ObjectType ALTERNATE_MEMBER =
                ObjectType.of("SchemaInfoAlternateMember", Member.required("type", Builtin.STR));
        private static final Member ARGUMENTS = Member.required("arg-type", Builtin.STR);

        static final ObjectType INFO = new ObjectType(
                "SchemaInfo",
                List.of(Member.required("name", Builtin.STR), Member.required("meta-type", META_TYPE)),
                "meta-type",
                Map.of(
                        "builtin",
                        ObjectType.of("SchemaInfoBuiltin", Member.required("json-type", JSON_TYPE)),
                        "enum",
                        ObjectType.of(
                                "SchemaInfoEnum",
                                Member.required("members", new ArrayType(ENUM_MEMBER)),
                                Member.required("values", new ArrayType(Builtin.STR))),
                        "array",
                        ObjectType.of("SchemaInfoArray", Member.required("element-type", Builtin.STR)),
                        "object",
                        ObjectType.of(
                                "SchemaInfoObject",
                                Member.required("members", new ArrayType(MEMBER)),
                                Member.optional("tag", Builtin.STR),
                                Member.optional("variants", new ArrayType(VARIANT))),
                        "alternate",
                        ObjectType.of(
                                "SchemaInfoAlternate", Member.required("members", new ArrayType(ALTERNATE_MEMBER))),
                        "command",
                        ObjectType.of(
                                "SchemaInfoCommand",
                                ARGUMENTS,
                                Member.required("ret-type", Builtin.STR),
                                Member.optional("allow-oob", Builtin.BOOL)),
                        "event",
                        ObjectType.of("SchemaInfoEvent", ARGUMENTS)),
                false);
    }
}
