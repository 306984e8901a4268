package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;

/** Random steps at a running daemon; between them, one channel that nobody touches has to pass bytes as ever. */
final class ChaosRun implements AutoCloseable {
    private static final int CHARDEVS = 10;
    private static final int DEVICES = 5;
    private static final int PATHS = 4;
    private static final int MAX_PEERS = 8;
    private static final int MAX_EXCHANGE = 20_000;
    private static final int REMEMBERED = 40;

    private final SplittableRandom random;
    private final Path folder;
    private final boolean hasTls;
    private final ChaosMonitor monitor;
    private final SocketChannel channel;
    private final List<ChaosPeer> peers = new ArrayList<>();
    private final Deque<String> steps = new ArrayDeque<>();
    private final Map<String, Integer> done = new TreeMap<>();
    /** The types of the chardevs there are, by id. */
    private final Map<String, String> types = new TreeMap<>();

    private EchoGuest guest;

    /** Begins at a daemon whose sockets {@code v.sock}, {@code qmp} and {@code stable} are in a folder. */
    ChaosRun(long seed, Path folder, boolean hasTls) throws Exception {
        this.random = new SplittableRandom(seed);
        this.folder = folder;
        this.hasTls = hasTls;
        monitor = new ChaosMonitor(folder.resolve("qmp"));
        channel = SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("stable")));
        guest = connectGuest();
    }

    private EchoGuest connectGuest() throws IOException {
        return new EchoGuest(folder.resolve("v.sock"), DEVICES + 3, false);
    }

    /** How often each kind of step has succeeded. */
    Map<String, Integer> done() {
        return done;
    }

    /** The latest steps, for people. */
    String story() {
        return String.join("\n  ", steps);
    }

    void steps(int count) throws Exception {
        for (int i = 0; i < count; i++) {
            step();
            servePeers();
        }
    }

    private void step() throws Exception {
        switch (random.nextInt(24)) {
            case 0, 1, 2 -> addChardev();
            case 3 -> changeChardev();
            case 4, 21, 22 -> removeChardev();
            case 5, 6 -> run("hub-add", "'id': '" + hub() + "', 'chardev': '" + chardev("") + "'" + member());
            case 7 -> run("hub-remove", "'id': '" + hub() + "', 'chardev': '" + chardev("") + "'");
            case 8, 9, 10 -> run("device_add", device());
            case 11, 19, 20 -> run("device_del", "'id': '" + deviceId() + "'");
            case 12, 13, 14 -> connectPeer();
            case 15 -> run("chardev-send-break", "'id': '" + chardev("") + "'");
            case 16 -> run("ringbuf-read", "'device': '" + chardev("ringbuf") + "', 'size': 100, 'format': 'base64'");
            case 17 -> openTerminal();
            case 18 -> exchange();
            default -> {
                if (random.nextInt(5) == 0) {
                    restartGuest();
                }
            }
        }
    }

    private void addChardev() throws Exception {
        String id = random.nextInt(5) == 0 ? chardev("") : freeId();
        Backend backend = backend();
        if (run("chardev-add", "'id': '" + id + "', 'backend': " + backend.text())) {
            types.put(id, backend.type());
            count("add " + backend.type());
        }
    }

    private void changeChardev() throws Exception {
        String id = chardev("");
        Backend backend = backend();
        if (run("chardev-change", "'id': '" + id + "', 'backend': " + backend.text())) {
            types.put(id, backend.type());
        }
    }

    private void removeChardev() throws Exception {
        String id = chardev("");
        if (run("chardev-remove", "'id': '" + id + "'")) {
            types.remove(id);
        }
    }

    private boolean run(String command, String arguments) throws Exception {
        boolean succeeds = monitor.succeeds(command, arguments);
        note((succeeds ? "" : "(refused) ") + command + " " + arguments);
        if (succeeds) {
            count(command);
        }
        return succeeds;
    }

    private void note(String step) {
        steps.add(step);
        if (steps.size() > REMEMBERED) {
            steps.remove();
        }
    }

    private void count(String what) {
        done.merge(what, 1, Integer::sum);
    }

    /** The id of a chardev of a type, or of any; sometimes, and where there is none, it is any id. */
    private String chardev(String type) {
        List<String> ids = types.entrySet().stream()
                .filter(entry -> type.isEmpty() || entry.getValue().equals(type))
                .map(Map.Entry::getKey)
                .toList();
        return ids.isEmpty() || random.nextInt(10) == 0
                ? "k" + random.nextInt(CHARDEVS)
                : ids.get(random.nextInt(ids.size()));
    }

    private String hub() {
        return chardev("hub");
    }

    private String freeId() {
        int first = random.nextInt(CHARDEVS);
        for (int i = 0; i < CHARDEVS; i++) {
            String id = "k" + (first + i) % CHARDEVS;
            if (!types.containsKey(id)) {
                return id;
            }
        }
        return "k" + first;
    }

    private String deviceId() {
        return "d" + random.nextInt(DEVICES);
    }

    private String member() {
        return random.nextBoolean() ? "" : ", 'slow': 'skip', 'replay': " + random.nextInt(5000);
    }

    private String device() {
        String type = List.of("", "", "hub", "mux").get(random.nextInt(4));
        String driver = random.nextInt(4) == 0 ? "virtconsole" : "virtserialport";
        return "'driver': '" + driver + "', 'id': '" + deviceId() + "', 'bus': 'vm.0', 'chardev': '" + chardev(type)
                + "'";
    }

    private String path(String prefix) {
        return folder.resolve(prefix + random.nextInt(PATHS)).toString();
    }

    private String second() {
        return random.nextBoolean() ? "']" : "', '" + chardev("") + "']";
    }

    private record Backend(String type, String text) {}

    /** Any backend there is, apart from those that take the test's own terminal or a piece of hardware. */
    private Backend backend() {
        return switch (random.nextInt(18)) {
            case 0 -> backend("null", "");
            case 1 -> backend("ringbuf", "'size': " + (1 << random.nextInt(8, 17)));
            case 2 -> backend("file", "'out': '" + path("o") + "', 'append': " + random.nextBoolean());
            case 3 -> backend("pty", random.nextBoolean() ? "" : "'path': '" + path("l") + "'");
            case 4 -> backend("vc", "");
            case 5 -> backend("udp", "'remote': " + inet(9));
            case 6 -> backend("pipe", "'device': '" + folder.resolve("f") + "'");
            case 7 -> backend("testdev", "");
            case 8 -> backend("mux", "'chardev': '" + chardev("") + "'");
            case 9, 10 -> backend("hub", "'chardevs': ['" + chardev("") + second());
            case 11 -> socket(inet(0), "'telnet': true");
            case 12 -> socket(inet(0), "'websocket': true");
            case 13 -> hasTls ? socket(inet(0), "'tls-creds': 'tls'") : socket(inet(0), "'telnet': true");
            case 14 -> socket(unix(path("n")), "'server': false, 'reconnect-ms': " + random.nextInt(10, 100));
            case 15 -> socket(unix(folder.resolve("no/such/folder").toString()), "");
            default -> socket(unix(path("s")), "");
        };
    }

    private Backend backend(String type, String data) {
        String log = random.nextInt(6) == 0 ? "'logfile': '" + path("log") + "'" : "";
        String between = data.isEmpty() || log.isEmpty() ? "" : ", ";
        return new Backend(type, "{'type': '" + type + "', 'data': {" + data + between + log + "}}");
    }

    private Backend socket(String address, String more) {
        return backend("socket", "'addr': " + address + (more.isEmpty() ? "" : ", ") + more);
    }

    private static String inet(int port) {
        return "{'type': 'inet', 'data': {'host': '127.0.0.1', 'port': '" + port + "'}}";
    }

    private static String unix(String path) {
        return "{'type': 'unix', 'data': {'path': '" + path + "'}}";
    }

    private void connectPeer() throws Exception {
        List<String> names = List.copyOf(monitor.chardevs().entrySet().stream()
                .filter(entry -> entry.getKey().startsWith("k"))
                .map(Map.Entry::getValue)
                .filter(name -> name.contains("server=on"))
                .toList());
        if (names.isEmpty() || peers.size() >= MAX_PEERS) {
            return;
        }
        String name = names.get(random.nextInt(names.size()));
        ChaosPeer peer = ChaosPeer.connect(name);
        note("connect to " + name + (peer == null ? " fails" : ""));
        if (peer != null) {
            peers.add(peer);
            count("connect");
        }
    }

    /** Each client does something or nothing: those that do not read for long hold up their port. */
    private void servePeers() throws IOException {
        for (Iterator<ChaosPeer> each = peers.iterator(); each.hasNext(); ) {
            ChaosPeer peer = each.next();
            boolean stays = switch (random.nextInt(10)) {
                case 0, 1 -> peer.write(random, random.nextInt(1, 3000));
                case 2 -> peer.write(random, 300_000);
                case 3 -> peer.writeBeginning(random);
                case 4, 5 -> peer.read();
                case 6 -> random.nextInt(4) != 0;
                default -> true;
            };
            if (!stays) {
                peer.close();
                each.remove();
            }
        }
    }

    private void openTerminal() throws Exception {
        for (String name : monitor.chardevs().values()) {
            if (name.startsWith("pty:")) {
                note("open " + name);
                count("terminal");
                int flags = Posix.O_RDWR | Posix.O_NOCTTY | Posix.O_NONBLOCK;
                try (Fd terminal = Posix.open(name.substring("pty:".length()), flags, 0)) {
                    assertTrue(terminal.isOpen());
                    exchange();
                }
                return;
            }
        }
    }

    /** What goes through the channel that nobody touches comes back as it was. */
    private void exchange() throws IOException {
        byte[] sent = new byte[random.nextInt(1, MAX_EXCHANGE)];
        for (int i = 0; i < sent.length; i++) {
            sent[i] = (byte) ('A' + random.nextInt(26));
        }
        note("exchange " + sent.length);
        ByteBuffer data = ByteBuffer.wrap(sent);
        while (data.hasRemaining()) {
            channel.write(data);
        }
        ByteBuffer back = ByteBuffer.allocate(sent.length);
        while (back.hasRemaining()) {
            assertTrue(channel.read(back) > 0, "the channel has been closed");
        }
        assertArrayEquals(sent, back.array());
        count("exchange");
    }

    private void restartGuest() throws Exception {
        note("restart of the guest");
        guest.close();
        guest = connectGuest();
        count("restart");
    }

    /** Undoes everything that can be undone; afterwards only what was there at first is there. */
    void clearUp() throws Exception {
        for (ChaosPeer peer : peers) {
            peer.close();
        }
        peers.clear();
        for (int i = 0; i < DEVICES; i++) {
            boolean unused = monitor.succeeds("device_del", "'id': 'd" + i + "'");
        }
        int left = CHARDEVS + 1;
        List<String> ids = ownChardevs();
        while (!ids.isEmpty() && ids.size() < left) {
            left = ids.size();
            for (String id : ids) {
                boolean unused = monitor.succeeds("chardev-remove", "'id': '" + id + "'");
            }
            ids = ownChardevs();
        }
        assertEquals(List.of(), ids, "cannot be removed");
        exchange();
    }

    private List<String> ownChardevs() throws Exception {
        return monitor.chardevs().keySet().stream()
                .filter(id -> id.startsWith("k"))
                .toList();
    }

    @Override
    public void close() throws IOException {
        for (ChaosPeer peer : peers) {
            peer.close();
        }
        guest.close();
        channel.close();
        monitor.close();
    }
}
