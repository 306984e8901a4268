package org.vportd.chardev.mux;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.handover.Parcel;

/**
 * What a hub is asked to be.
 *
 * @param members in the order given
 * @param writer who may send input
 */
record HubOptions(List<Member> members, Writer writer) {
    static final String WRITER = "writer";
    private static final Pattern MEMBER_KEY = Pattern.compile("chardevs\\.\\d{1,4}(\\.(id|slow|replay))?");
    private static final int MAX_REPLAY_BYTES = 64 << 20;

    /** What becomes of a member that does not keep up. */
    enum Slow {
        /** The front-end waits for it, as far as it can wait. */
        THROTTLE,
        /** It misses what the others have had. */
        SKIP
    }

    /**
     * One chardev of a hub.
     *
     * @param replayBytes how much of the last output it gets when it opens
     */
    record Member(String id, Slow slow, int replayBytes) {
        Parcel pack() {
            return new Parcel().put("id", id).put("slow", slow.name()).put("replay", replayBytes);
        }

        static Member unpack(Parcel from) {
            Slow slow = Slow.THROTTLE.name().equals(from.text("slow")) ? Slow.THROTTLE : Slow.SKIP;
            int replay = (int) Math.min(from.number("replay", 0), MAX_REPLAY_BYTES);
            return new Member(String.valueOf(from.text("id")), slow, replay);
        }

        static Member parse(String id, @Nullable String slow, Options options, String replayKey)
                throws ConfigException {
            int replay = (int) options.size(replayKey, 0, 0, MAX_REPLAY_BYTES);
            if (slow == null) {
                return new Member(id, Slow.THROTTLE, replay);
            }
            for (Slow value : Slow.values()) {
                if (value.name().toLowerCase(Locale.ROOT).equals(slow)) {
                    return new Member(id, value, replay);
                }
            }
            throw new ConfigException("Parameter 'slow' expects 'throttle' or 'skip'", "got '" + slow + "'");
        }
    }

    /**
     * Who may send input.
     *
     * @param all whether all members
     * @param id the one member, or null: the one that has been open for longest
     */
    record Writer(boolean all, @Nullable String id) {
        static Writer parse(String text) {
            return switch (text) {
                case "all" -> new Writer(true, null);
                case "one" -> new Writer(false, null);
                default -> new Writer(false, text);
            };
        }
    }

    /** The same with other members. */
    HubOptions with(List<Member> others) {
        return new HubOptions(others, writer);
    }

    static boolean isMemberKey(String key) {
        return MEMBER_KEY.matcher(key).matches();
    }

    static HubOptions parse(Options options) throws ConfigException {
        List<Member> members = new ArrayList<>();
        long given = options.keys().stream()
                .filter(HubOptions::isMemberKey)
                .map(key -> key.split("\\.", -1)[1])
                .distinct()
                .count();
        for (int i = 0; i < given; i++) {
            String key = "chardevs." + i;
            String id = options.string(key, options.string(key + ".id", ""));
            if (id.isEmpty()) {
                throw new ConfigException("hub: 'chardevs' list is not defined", "missing: " + key);
            }
            members.add(Member.parse(id, options.string(key + ".slow"), options, key + ".replay"));
        }
        if (members.isEmpty()) {
            throw new ConfigException("hub: 'chardevs' list is not defined", "chardevs.0=ID,chardevs.1=ID...");
        }
        Writer writer = Writer.parse(options.string(WRITER, "all"));
        if (writer.id() != null
                && members.stream().noneMatch(member -> member.id().equals(writer.id()))) {
            throw new ConfigException(
                    "Parameter 'writer' expects 'all', 'one' or the id of a member", "got '" + writer.id() + "'");
        }
        return new HubOptions(members, writer);
    }
}
