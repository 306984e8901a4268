package org.vportd.monitor.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads one value whose tokens are known to be in order; what is left to find is within strings, and keys that repeat. */
final class JsonReader {
    private static final BigInteger MAX_UNSIGNED =
            BigInteger.ONE.shiftLeft(Long.SIZE).subtract(BigInteger.ONE);
    /** No whole number of 64 bits has more characters. */
    private static final int MAX_INTEGER_LENGTH = 20;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES) // names are up to clients, and must not pile up
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(JsonGrammar.MAX_DEPTH)
                    .maxStringLength(Integer.MAX_VALUE)
                    .maxNameLength(Integer.MAX_VALUE)
                    .maxNumberLength(Integer.MAX_VALUE)
                    .build())
            .build();

    private JsonReader() {}

    static @Nullable Object read(byte[] bytes, int length) throws JsonException {
        Reader text = new InputStreamReader(
                new ByteArrayInputStream(bytes, 0, length),
                StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT));
        try (JsonParser parser = FACTORY.createParser(text)) {
            parser.nextToken();
            return value(parser);
        } catch (CharacterCodingException e) {
            throw new JsonException("invalid UTF-8 sequence in string");
        } catch (JsonProcessingException e) {
            throw new JsonException("invalid escape sequence in string");
        } catch (IOException e) {
            throw new UncheckedIOException(e); // bytes in memory do not fail otherwise
        }
    }

    private static @Nullable Object value(JsonParser parser) throws IOException, JsonException {
        JsonToken token = parser.currentToken();
        return switch (token) {
            case START_OBJECT -> object(parser);
            case START_ARRAY -> array(parser);
            case VALUE_STRING -> checked(parser.getText());
            case VALUE_NUMBER_INT -> integer(parser.getText());
            case VALUE_NUMBER_FLOAT -> finite(parser.getText());
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NULL -> null;
            default -> throw new JsonException(JsonGrammar.EXPECTING_VALUE);
        };
    }

    private static Map<String, @Nullable Object> object(JsonParser parser) throws IOException, JsonException {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = checked(parser.currentName());
            parser.nextToken();
            Object value = value(parser);
            if (members.containsKey(name)) {
                throw new JsonException("duplicate key");
            }
            members.put(name, value);
        }
        return members;
    }

    private static List<@Nullable Object> array(JsonParser parser) throws IOException, JsonException {
        List<@Nullable Object> elements = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            elements.add(value(parser));
        }
        return elements;
    }

    /** Infinity could not be echoed: there is no JSON for it. */
    private static Double finite(String text) throws JsonException {
        double number = Double.parseDouble(text);
        if (Double.isInfinite(number)) {
            throw new JsonException("number is too large");
        }
        return number;
    }

    private static Object integer(String text) throws JsonException {
        if (text.length() <= MAX_INTEGER_LENGTH) {
            BigInteger number = new BigInteger(text);
            if (number.bitLength() < Long.SIZE) {
                return number.longValue();
            }
            if (number.signum() > 0 && number.compareTo(MAX_UNSIGNED) <= 0) {
                return number;
            }
        }
        return finite(text);
    }

    /** Escapes can make what is no text: U+0000, and one half of a surrogate pair. */
    private static String checked(String text) throws JsonException {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == 0) {
                throw new JsonException("invalid escape sequence '\\u0000' in string");
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
            } else if (Character.isSurrogate(c)) {
                throw new JsonException(
                        String.format("invalid escape sequence '\\u%04X' in string: half of a pair", (int) c));
            }
        }
        return text;
    }
}
