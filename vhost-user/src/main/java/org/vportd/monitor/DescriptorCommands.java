package org.vportd.monitor;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.socket.SocketChardev;
import org.vportd.monitor.schema.ArrayType;
import org.vportd.monitor.schema.Builtin;
import org.vportd.monitor.schema.IntegerType;
import org.vportd.monitor.schema.Member;
import org.vportd.monitor.schema.ObjectType;
import org.vportd.posix.Fd;
import org.vportd.posix.FileStatus;
import org.vportd.posix.PosixException;

/** The commands for descriptors that clients pass along. */
final class DescriptorCommands {
    private static final ObjectType NAME = ObjectType.of("getfd", Member.required("fdname", Builtin.STR));
    private static final ObjectType ADD_CLIENT = ObjectType.of(
            "add_client",
            Member.required("protocol", Builtin.STR),
            Member.required("fdname", Builtin.STR),
            Member.optional("skipauth", Builtin.BOOL),
            Member.optional("tls", Builtin.BOOL));

    private static final ObjectType ADD_FD = ObjectType.of(
            "add-fd", Member.optional("fdset-id", IntegerType.INT), Member.optional("opaque", Builtin.STR));
    private static final ObjectType ADDED = ObjectType.of(
            "AddfdInfo", Member.required("fdset-id", IntegerType.INT), Member.required("fd", IntegerType.INT));
    private static final ObjectType REMOVE_FD = ObjectType.of(
            "remove-fd", Member.required("fdset-id", IntegerType.INT), Member.optional("fd", IntegerType.INT));
    private static final ObjectType SET_MEMBER = ObjectType.of(
            "FdsetFdInfo", Member.required("fd", IntegerType.INT), Member.optional("opaque", Builtin.STR));
    private static final ArrayType SETS = new ArrayType(ObjectType.of(
            "FdsetInfo",
            Member.required("fdset-id", IntegerType.INT),
            Member.required("fds", new ArrayType(SET_MEMBER))));

    private final MonitorEnvironment environment;

    DescriptorCommands(MonitorEnvironment environment) {
        this.environment = environment;
    }

    void addTo(CommandTable table) {
        table.add("getfd", NAME, ObjectType.EMPTY, (arguments, session) -> {
            keep(arguments.string("fdname"), session);
            return null;
        });
        table.add("closefd", NAME, ObjectType.EMPTY, (arguments, session) -> {
            String name = arguments.string("fdname");
            Fd descriptor = session.names().take(name);
            if (descriptor == null) {
                throw new QmpException("File descriptor named '" + name + "' not found");
            }
            descriptor.close();
            return null;
        });
        table.add("add-fd", ADD_FD, ADDED, (arguments, session) -> addToSet(arguments, session));
        table.add("remove-fd", REMOVE_FD, ObjectType.EMPTY, (arguments, session) -> {
            sets().remove(arguments.integer("fdset-id"), arguments.optionalInteger("fd"));
            return null;
        });
        table.add("query-fdsets", ObjectType.EMPTY, SETS, (arguments, session) -> sets().toJson());
        table.add("add_client", ADD_CLIENT, ObjectType.EMPTY, (arguments, session) -> {
            addClient(arguments, session);
            return null;
        });
    }

    private DescriptorSets sets() {
        return environment.descriptors().sets();
    }

    private Object addToSet(Arguments arguments, Requester session) throws QmpException {
        Fd descriptor = session.takePassed();
        if (descriptor == null) {
            throw new QmpException("No file descriptor supplied via SCM_RIGHTS");
        }
        Long wanted = arguments.optionalInteger("fdset-id");
        if (wanted != null && wanted < 0) {
            descriptor.close();
            throw new QmpException("Parameter 'fdset-id' expects a non-negative value");
        }
        DescriptorSets.Added added = sets().add(descriptor, wanted, arguments.optionalString("opaque"));
        return Members.of("fdset-id", added.set(), "fd", added.member().number());
    }

    private static void keep(String name, Requester session) throws QmpException {
        Fd descriptor = session.takePassed();
        if (descriptor == null) {
            throw new QmpException("No file descriptor supplied via SCM_RIGHTS");
        }
        if (startsWithDigit(name)) {
            descriptor.close();
            throw new QmpException("Parameter 'fdname' expects a name not starting with a digit");
        }
        session.names().put(name, descriptor);
    }

    private static boolean startsWithDigit(String name) {
        return !name.isEmpty() && name.charAt(0) >= '0' && name.charAt(0) <= '9';
    }

    private void addClient(Arguments arguments, Requester session) throws QmpException {
        String name = arguments.string("fdname");
        Fd client = session.names().take(name);
        if (client == null) {
            throw notFound(name);
        }
        Chardev chardev = null;
        String refusal = null;
        if (!isSocket(client)) {
            refusal = "parameter @fdname must name a socket";
        } else {
            String id = arguments.string("protocol");
            chardev = environment.chardevs().find(id);
            refusal = chardev == null ? "protocol '" + id + "' is invalid" : null;
        }
        if (refusal != null) {
            client.close();
            throw new QmpException(refusal);
        }
        if (!handOver(chardev, client)) {
            throw new QmpException("failed to add client");
        }
    }

    /** What is spoken over the connection is up to the chardev alone, as in QEMU: skipauth and tls change nothing. */
    private static boolean handOver(@Nullable Chardev chardev, Fd client) {
        if (!(chardev instanceof SocketChardev socket)) {
            client.close();
            return false;
        }
        try {
            socket.addClient(client);
            return true;
        } catch (ConfigException e) {
            return false;
        }
    }

    /** The error of a name that a command refers to. */
    static QmpException notFound(String name) {
        return new QmpException("File descriptor named '" + name + "' has not been found");
    }

    private static boolean isSocket(Fd descriptor) {
        try {
            return FileStatus.of(descriptor).isSocket();
        } catch (PosixException e) {
            return false;
        }
    }
}
