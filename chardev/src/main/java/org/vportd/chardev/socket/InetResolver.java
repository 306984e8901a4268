package org.vportd.chardev.socket;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Finds the numbers behind host names, and writes numbers as people do. */
public final class InetResolver {
    private static final int GROUPS = 8;

    private InetResolver() {}

    /** Whether a host is a number already, so that resolving it asks no server and takes no time. */
    static boolean isNumeric(String host) {
        return host.isEmpty()
                || host.indexOf(':') >= 0
                || host.chars().allMatch(c -> c == '.' || (c >= '0' && c <= '9'));
    }

    /**
     * The addresses of a host; waits for the name service if it has to be asked.
     *
     * @param patienceNs how long to wait at most
     * @throws IOException if there is none of the family wanted, or none was found in that time
     */
    public static List<InetSocketAddress> resolve(InetHost host, long patienceNs) throws IOException {
        if (isNumeric(host.host()) || host.isNumeric()) {
            return resolve(host);
        }
        // The resolver has time limits of its own, which are longer, and cannot be interrupted.
        FutureTask<List<InetSocketAddress>> question = new FutureTask<>(() -> resolve(host));
        Thread thread = new Thread(question, "resolve-" + host.host());
        thread.setDaemon(true);
        thread.start();
        try {
            return question.get(patienceNs, TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw new IOException(
                    e.getCause() == null ? e.toString() : e.getCause().getMessage(), e);
        } catch (TimeoutException e) {
            throw notFound(host, "Temporary failure in name resolution", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw notFound(host, "Interrupted system call", e);
        }
    }

    /**
     * The addresses of a host; waits for the name service for as long as that takes.
     *
     * @throws IOException if there is none of the family wanted
     */
    static List<InetSocketAddress> resolve(InetHost host) throws IOException {
        if (host.isNumeric() && !isNumeric(host.host())) {
            throw notFound(host, "Name or service not known", null);
        }
        InetAddress[] all;
        try {
            all = InetAddress.getAllByName(host.host().isEmpty() ? "localhost" : host.host());
        } catch (UnknownHostException | SecurityException e) {
            throw notFound(host, "Name or service not known", e);
        }
        List<InetSocketAddress> wanted = Arrays.stream(all)
                .filter(host.family()::includes)
                .map(one -> new InetSocketAddress(one, host.port()))
                .toList();
        if (wanted.isEmpty()) {
            throw notFound(host, "Address family for hostname not supported", null);
        }
        return wanted;
    }

    private static IOException notFound(InetHost host, String why, @Nullable Throwable cause) {
        return new IOException("address resolution failed for " + host + ": " + why, cause);
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
