package org.vportd.monitor;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Pattern;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.backend.RingbufChardev;
import org.vportd.monitor.json.JsonBudget;
import org.vportd.monitor.schema.Builtin;
import org.vportd.monitor.schema.EnumType;
import org.vportd.monitor.schema.IntegerType;
import org.vportd.monitor.schema.Member;
import org.vportd.monitor.schema.ObjectType;

/** The commands that read and write what chardevs of type {@code ringbuf} keep. */
final class RingbufCommands {
    private static final int MAX_READ_BYTES = 4 << 20;
    /** So much can be read in any case. */
    private static final int MIN_READ_BYTES = 4096;
    /** How long one byte can get in an answer. */
    private static final int UTF8_LENGTH = 6;

    private static final int BASE64_LENGTH = 2;

    private static final EnumType FORMAT = EnumType.of("DataFormat", "utf8", "base64");
    private static final Pattern BASE64 = Pattern.compile("[A-Za-z0-9+/=\n]*");
    private static final ObjectType WRITE = ObjectType.of(
            "ringbuf-write",
            Member.required("device", Builtin.STR),
            Member.required("data", Builtin.STR),
            Member.optional("format", FORMAT));
    private static final ObjectType READ = ObjectType.of(
            "ringbuf-read",
            Member.required("device", Builtin.STR),
            Member.required("size", IntegerType.INT),
            Member.optional("format", FORMAT));

    private final Chardevs chardevs;
    private final JsonBudget budget;

    /**
     * Makes them.
     *
     * @param budget what answers may have; those that clients do not read have taken it already
     */
    RingbufCommands(Chardevs chardevs, JsonBudget budget) {
        this.chardevs = chardevs;
        this.budget = budget;
    }

    void addTo(CommandTable table) {
        table.add("ringbuf-write", WRITE, ObjectType.EMPTY, (arguments, session) -> {
            RingbufChardev ring = find(arguments);
            String data = arguments.string("data");
            ring.append(isBase64(arguments) ? decode(data) : data.getBytes(StandardCharsets.UTF_8));
            return null;
        });
        table.add("ringbuf-read", READ, Builtin.STR, (arguments, session) -> {
            RingbufChardev ring = find(arguments);
            long size = arguments.integer("size");
            if (size <= 0) {
                throw new QmpException("size must be greater than zero");
            }
            byte[] bytes = ring.read((int) Math.min(size, mostBytes(isBase64(arguments))));
            return isBase64(arguments) ? Base64.getEncoder().encodeToString(bytes) : text(bytes);
        });
    }

    private long mostBytes(boolean base64) {
        long possible = budget.left() / (base64 ? BASE64_LENGTH : UTF8_LENGTH);
        return Math.max(MIN_READ_BYTES, Math.min(MAX_READ_BYTES, possible));
    }

    private RingbufChardev find(Arguments arguments) throws QmpException {
        return NamedChardevs.device(chardevs, arguments.string("device"), RingbufChardev.class, "ringbuf");
    }

    private static boolean isBase64(Arguments arguments) {
        return arguments.string("format").equals("base64");
    }

    /** What is no UTF-8 becomes U+FFFD, and so does U+0000, at which many a client would take the text to end. */
    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8).replace('\0', '\uFFFD');
    }

    private static byte[] decode(String data) throws QmpException {
        if (!BASE64.matcher(data).matches()) {
            throw new QmpException("Base64 data contains invalid characters");
        }
        try {
            return Base64.getDecoder().decode(data.replace("\n", ""));
        } catch (IllegalArgumentException e) {
            throw new QmpException("Base64 data is not valid");
        }
    }
}
