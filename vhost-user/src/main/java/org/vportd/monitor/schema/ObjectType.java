package org.vportd.monitor.schema;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * An object: its members, and more members for each value of one of them, its tag, if it is a union.
 *
 * @param members those that do not depend on the tag, which is one of them
 * @param tag the name of the tag, or null if it is no union
 * @param variants the further members by value of the tag
 * @param open whether members that are not declared are left to whoever carries out the command
 */
public record ObjectType(
        String name, List<Member> members, @Nullable String tag, Map<String, ObjectType> variants, boolean open)
        implements Type {
    /** Without members. */
    public static final ObjectType EMPTY = of("empty");

    /** A plain one. */
    public static ObjectType of(String name, Member... members) {
        return new ObjectType(name, List.of(members), null, Map.of(), false);
    }

    /** One that can have other members, too. */
    public static ObjectType open(String name, Member... members) {
        return new ObjectType(name, List.of(members), null, Map.of(), true);
    }

    /** A union of which the tag is the only common member. */
    public static ObjectType union(String name, String tag, EnumType tagType, Map<String, ObjectType> variants) {
        return new ObjectType(name, List.of(Member.required(tag, tagType)), tag, variants, false);
    }

    /** One with the members of this one before its own. */
    public ObjectType extend(String derivedName, Member... more) {
        List<Member> all = new ArrayList<>(members);
        all.addAll(List.of(more));
        return new ObjectType(derivedName, all, tag, variants, open);
    }

    /**
     * Refuses arguments of a command that do not fit.
     *
     * @throws SchemaException in QEMU's words
     */
    public void checkArguments(Map<?, ?> arguments) throws SchemaException {
        check(Path.ROOT, arguments);
    }

    @Override
    public void check(Path path, @Nullable Object value) throws SchemaException {
        if (!(value instanceof Map<?, ?> map)) {
            throw SchemaException.wrongType(path, "object");
        }
        Set<String> known = new TreeSet<>();
        checkMembers(path, map, known);
        if (!open) {
            for (Object key : map.keySet()) {
                if (key instanceof String name && !known.contains(name)) {
                    throw SchemaException.unexpected(path.member(name));
                }
            }
        }
    }

    private void checkMembers(Path path, Map<?, ?> map, Set<String> known) throws SchemaException {
        for (Member member : members) {
            known.add(member.name());
            Path at = path.member(member.name());
            if (map.containsKey(member.name())) {
                member.type().check(at, map.get(member.name()));
            } else if (!member.optional()) {
                throw SchemaException.missing(at);
            }
        }
        ObjectType variant = tag == null ? null : variants.get(String.valueOf(map.get(tag)));
        if (variant != null) {
            variant.checkMembers(path, map, known);
        }
    }

    @Override
    public boolean isKindOf(@Nullable Object value) {
        return value instanceof Map<?, ?>;
    }
}
