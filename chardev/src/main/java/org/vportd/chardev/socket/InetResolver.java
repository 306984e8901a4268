package org.vportd.chardev.socket;

import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds the numbers behind host names, and writes numbers as people do. */
final class InetResolver {
    private static final int GROUPS = 8;

    private InetResolver() {}

    /** Whether a host is a number already, so that resolving it asks no server and takes no time. */
    static boolean isNumeric(String host) {
        return host.isEmpty()
                || host.indexOf(':') >= 0
                || host.chars().allMatch(c -> c == '.' || (c >= '0' && c <= '9'));
    }

    /**
     * The addresses of a host; waits for the name service.
     *
     * @throws IOException if there is none of the family wanted
     */
    static List<InetSocketAddress> resolve(SocketAddress.Inet address) throws IOException {
        InetAddress[] all;
        try {
            all = InetAddress.getAllByName(address.host().isEmpty() ? "localhost" : address.host());
        } catch (UnknownHostException | SecurityException e) {
            throw notFound(address, e);
        }
        List<InetSocketAddress> wanted = Arrays.stream(all)
                .filter(one -> isWanted(one, address.family()))
                .map(one -> new InetSocketAddress(one, address.port()))
                .toList();
        if (wanted.isEmpty()) {
            throw notFound(address, null);
        }
        return wanted;
    }

    private static IOException notFound(SocketAddress.Inet address, @Nullable Throwable cause) {
        return new IOException(
                "address resolution failed for " + address.hostAndPort() + ": Name or service not known", cause);
    }

    private static boolean isWanted(InetAddress address, SocketAddress.Family family) {
        return switch (family) {
            case ANY -> true;
            case IPV4 -> address instanceof Inet4Address;
            case IPV6 -> !(address instanceof Inet4Address);
        };
    }

    /** {@code host:port}, IPv6 in brackets and shortened (RFC 5952). */
    static String text(InetSocketAddress address) {
        byte[] raw = address.getAddress().getAddress();
        String host = raw.length == 4 ? address.getAddress().getHostAddress() : "[" + shortened(raw) + "]";
        return host + ":" + address.getPort();
    }

    private static String shortened(byte[] raw) {
        int[] groups = new int[GROUPS];
        for (int i = 0; i < GROUPS; i++) {
            groups[i] = ((raw[2 * i] & 0xff) << 8) | (raw[2 * i + 1] & 0xff);
        }
        int longest = 0;
        int at = GROUPS;
        for (int i = 0; i < GROUPS; i++) {
            int zeros = 0;
            while (i + zeros < GROUPS && groups[i + zeros] == 0) {
                zeros++;
            }
            if (zeros > longest && zeros > 1) {
                longest = zeros;
                at = i;
            }
        }
        return at == GROUPS
                ? joined(groups, 0, GROUPS)
                : joined(groups, 0, at) + "::" + joined(groups, at + longest, GROUPS);
    }

    private static String joined(int[] groups, int from, int to) {
        StringBuilder text = new StringBuilder();
        for (int i = from; i < to; i++) {
            text.append(i == from ? "" : ":").append(Integer.toHexString(groups[i]));
        }
        return text.toString();
    }
}
