package org.vportd.bench.daemon;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.vportd.bench.peer.Certificates;
import org.vportd.bench.peer.Wire;
import org.vportd.posix.Posix;

/** The daemon's command line for a load, and what comes of it. */
final class DaemonArguments {
    private final Load load;
    private final Path folder;
    private final List<String> words = new ArrayList<>();
    private final List<String> guestSockets = new ArrayList<>();
    private final List<String> where = new ArrayList<>();

    private DaemonArguments(Load load, Path folder) {
        this.load = load;
        this.folder = folder;
    }

    /** Makes it, and what the daemon expects to be there. */
    static DaemonArguments make(Load load, Path folder) throws IOException {
        DaemonArguments arguments = new DaemonArguments(load, folder);
        if (load.wire() == Wire.TLS) {
            Path certificates = folder.resolve("certificates");
            Certificates.make(certificates);
            arguments.add("-object", "tls-creds-x509,id=tls0,endpoint=server,verify-peer=off,dir=" + certificates);
        }
        for (int guest = 0; guest < load.guests() + load.idleGuests(); guest++) {
            arguments.addGuest(guest);
        }
        return arguments;
    }

    private void add(String option, String value) {
        words.add(option);
        words.add(value);
    }

    private void addGuest(int guest) throws IOException {
        String socket = folder.resolve("vm" + guest + ".sock").toString();
        guestSockets.add(socket);
        int ports = load.ports() + load.idlePorts();
        add(
                "-device",
                "vhost-user-serial,id=vm" + guest + ",socket-path=" + socket + ",max_ports=" + (ports + 1)
                        + ",packed=" + onOff(load.format().packed()) + ",in_order="
                        + onOff(load.format().inOrder()));
        for (int port = 1; port <= ports; port++) {
            boolean busy = guest < load.guests() && port <= load.ports();
            String id = "c" + guest + "." + port;
            addChardev(id, busy);
            String type = load.wire() == Wire.NULL ? "virtconsole" : "virtserialport";
            add("-device", type + ",bus=vm" + guest + ".0,chardev=" + id + ",nr=" + port);
        }
    }

    private static String onOff(boolean on) {
        return on ? "on" : "off";
    }

    private void addChardev(String id, boolean busy) throws IOException {
        Path path = folder.resolve(id);
        if (!busy) {
            add("-chardev", "socket,id=" + id + ",path=" + path + ",server=on,wait=off");
            return;
        }
        switch (load.wire()) {
            case UNIX -> {
                add("-chardev", "socket,id=" + id + ",path=" + path + ",server=on,wait=off");
                where.add(path.toString());
            }
            case TCP, TLS -> {
                int port = freePort();
                add(
                        "-chardev",
                        "socket,id=" + id + ",host=127.0.0.1,port=" + port + ",server=on,wait=off,nodelay=on"
                                + (load.wire() == Wire.TLS ? ",tls-creds=tls0" : ""));
                where.add("127.0.0.1:" + port);
            }
            case PIPE -> {
                Posix.makeFifo(path + ".in", 0600);
                Posix.makeFifo(path + ".out", 0600);
                add("-chardev", "pipe,id=" + id + ",path=" + path);
                where.add(path.toString());
            }
            case PTY -> {
                add("-chardev", "pty,id=" + id + ",path=" + path);
                where.add(path.toString());
            }
            case FILE -> {
                add("-chardev", "file,id=" + id + ",path=" + path);
                where.add(path.toString());
            }
            case RINGBUF -> add("-chardev", "ringbuf,id=" + id);
            case NULL -> add("-chardev", "null,id=" + id);
            case HUB -> {
                StringBuilder hub = new StringBuilder("hub,id=" + id);
                for (int i = 0; i < Wire.HUB_MEMBERS; i++) {
                    String member = id + ".m" + i;
                    add("-chardev", "socket,id=" + member + ",path=" + path + ".m" + i + ",server=on,wait=off");
                    hub.append(",chardevs.").append(i).append('=').append(member);
                    where.add(path + ".m" + i);
                }
                add("-chardev", hub.toString());
            }
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** The arguments. */
    List<String> words() {
        return words;
    }

    /** Where guests connect, the busy ones first. */
    List<String> guestSockets() {
        return guestSockets;
    }

    /** Where the peers of busy ports connect. */
    List<String> where() {
        return where;
    }
}
