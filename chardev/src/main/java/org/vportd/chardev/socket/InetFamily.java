package org.vportd.chardev.socket;

import java.net.Inet4Address;
import java.net.InetAddress;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/** The kinds of internet address that will do. */
public enum InetFamily {
    /** Either. */
    ANY,
    /** Four numbers with dots. */
    IPV4,
    /** Eight groups with colons. */
    IPV6;

    /**
     * What {@code ipv4} and {@code ipv6} ask for. A family that is asked for excludes the other unless that is asked for,
     * too; one that is refused leaves the other.
     *
     * @throws ConfigException if both are refused
     */
    public static InetFamily of(Options options) throws ConfigException {
        boolean v4 = options.bool("ipv4", !options.bool("ipv6", false));
        boolean v6 = options.bool("ipv6", !options.bool("ipv4", false));
        if (!v4 && !v6) {
            throw new ConfigException("Cannot disable IPv4 and IPv6 at same time");
        }
        if (v4 && v6) {
            return ANY;
        }
        return v4 ? IPV4 : IPV6;
    }

    /** Whether an address is of this kind. */
    boolean includes(InetAddress address) {
        return switch (this) {
            case ANY -> true;
            case IPV4 -> address instanceof Inet4Address;
            case IPV6 -> !(address instanceof Inet4Address);
        };
    }
}
