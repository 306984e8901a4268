package org.vportd.monitor.json;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.vportd.monitor.json.JsonGrammar.Token;

/**
 * Cuts a stream of bytes into JSON values, however it is split, in time linear in its length. Besides JSON, strings may be
 * in single quotes.
 *
 * <p>What is wrong is told once, with QEMU's words. Then comes what ends the trouble: within a value, its end as far as
 * brackets tell; otherwise the end of the line, an opening brace, or a byte that no JSON contains, namely a control
 * character or 0xFE or 0xFF. Such bytes are a fault themselves if nothing else was wrong; a client that has lost its place
 * sends one to start afresh.
 *
 * <p>Blanks between tokens are not kept. How much of tokens is held at most depends on the memory there is, see {@link
 * JsonBudget}, and is never more than QEMU holds.
 */
public final class JsonFramer {
    /** The most that the tokens of one value may have in any case, in bytes. */
    public static final int MAX_BYTES = 64 << 20;

    /** The most tokens that one value may have in any case. */
    public static final int MAX_TOKENS = 2 << 20;

    /** The most arrays and objects within each other. */
    public static final int MAX_DEPTH = JsonGrammar.MAX_DEPTH;

    private static final String PREFIX = "JSON parse error, ";
    private static final int KEPT_BYTES = 64 * 1024;
    private static final int SHOWN_BYTES = 100;

    private enum State {
        /** Between tokens. */
        START,
        /** Between tokens after a fault: what a client sends to get out of it does not count as another one. */
        AFRESH,
        /** Skips what cannot be made sense of. */
        LOST,
        STRING,
        ESCAPE,
        KEYWORD,
        SIGN,
        ZERO,
        DIGITS,
        POINT,
        FRACTION,
        EXPONENT,
        EXPONENT_SIGN,
        EXPONENT_DIGITS
    }

    private final JsonBudget budget;
    private final JsonGrammar grammar = new JsonGrammar();
    private byte[] bytes = new byte[512];
    private int length;
    private int tokenStart;
    private int tokens;
    private State state = State.START;
    private int quote;
    /** After a fault inside of a value: how many brackets are still to be closed. 0 if there is nothing to skip. */
    private long skipDepth;

    private boolean complete;
    private @Nullable String fault;

    /** Makes one that expects the beginning of a value. */
    public JsonFramer() {
        this(new JsonBudget());
    }

    /** Makes one that shares a budget with others. */
    public JsonFramer(JsonBudget budget) {
        this.budget = budget;
    }

    /** Makes one with limits of its own, for tests. */
    JsonFramer(int maxBytes, int maxTokens) {
        this(new JsonBudget(maxBytes, maxTokens, maxBytes));
    }

    /** Forgets what it has been fed. */
    public void reset() {
        clear();
        state = State.START;
        skipDepth = 0;
        fault = null;
    }

    private void clear() {
        grammar.reset();
        length = 0;
        tokenStart = 0;
        tokens = 0;
        complete = false;
        if (bytes.length > KEPT_BYTES) {
            budget.take(-charge(bytes.length));
            bytes = new byte[512];
        }
    }

    /**
     * Takes bytes until a value or a fault is complete, which {@link #next} then hands over.
     *
     * @return the index of the first byte not taken
     */
    public int feed(byte[] input, int from, int to) {
        int at = from;
        while (at < to && !isComplete()) {
            if (state == State.STRING) {
                at = plainText(input, at, to);
            }
            if (at < to && step(input[at] & 0xff)) {
                at++;
            }
        }
        return at;
    }

    /** Takes the part of a string before anything that means something, as far as there is room for it. */
    private int plainText(byte[] input, int from, int to) {
        int at = from;
        int end = skipDepth > 0 ? to : (int) Math.min(to, (long) from + maxBytes() - length);
        while (at < end && isPlain(input[at] & 0xff)) {
            at++;
        }
        if (skipDepth == 0) {
            reserve(at - from);
            System.arraycopy(input, from, bytes, length, at - from);
            length += at - from;
        }
        return at;
    }

    private boolean isPlain(int c) {
        return c >= ' ' && c < 0xfe && c != '\\' && c != quote;
    }

    private void reserve(int more) {
        int needed = length + more; // at most maxBytes
        if (needed > bytes.length) {
            int roomy = Math.max(needed, Math.min(maxBytes(), bytes.length * 2));
            budget.take(charge(roomy) - charge(bytes.length));
            bytes = Arrays.copyOf(bytes, roomy);
        }
    }

    /** How much of the budget an array takes; what is kept between values is everybody's own. */
    private static int charge(int arrayBytes) {
        return Math.max(0, arrayBytes - KEPT_BYTES);
    }

    /** How long the present value may get, as far as is known now. */
    private int maxBytes() {
        long possible = Math.max(bytes.length, KEPT_BYTES) + Math.max(0, budget.left());
        return (int) Math.min(budget.maxBytes(), possible);
    }

    /** Whether {@link #next} has something. */
    public boolean isComplete() {
        return complete || fault != null;
    }

    /**
     * Hands over the value that is complete, and gets ready for the one after it.
     *
     * @throws JsonException if there was a fault instead
     */
    public @Nullable Object next() throws JsonException {
        String told = fault;
        if (told != null) {
            fault = null;
            throw new JsonException(told);
        }
        try {
            return JsonReader.read(bytes, length);
        } catch (JsonException e) {
            state = State.AFRESH;
            throw new JsonException(PREFIX + e.text());
        } finally {
            clear();
        }
    }

    /** Takes a byte, or only ends the token before it and leaves it for the next call. */
    private boolean step(int c) {
        return switch (state) {
            case START, AFRESH -> start(c);
            case LOST -> skip(c);
            case STRING, ESCAPE -> string(c);
            case KEYWORD -> (c >= 'a' && c <= 'z') ? append(c, State.KEYWORD) : end(keyword());
            default -> number(c);
        };
    }

    private boolean start(int c) {
        switch (c) {
            case ' ', '\t', '\r', '\n' -> {
                return true;
            }
            case '{' -> structural(c, Token.OPEN_OBJECT);
            case '}' -> structural(c, Token.CLOSE_OBJECT);
            case '[' -> structural(c, Token.OPEN_ARRAY);
            case ']' -> structural(c, Token.CLOSE_ARRAY);
            case ':' -> structural(c, Token.COLON);
            case ',' -> structural(c, Token.COMMA);
            case '"', '\'' -> {
                quote = c;
                begin(c, State.STRING);
            }
            case '-' -> begin(c, State.SIGN);
            case '0' -> begin(c, State.ZERO);
            default -> startWord(c);
        }
        return true;
    }

    private void startWord(int c) {
        if (c >= '1' && c <= '9') {
            begin(c, State.DIGITS);
        } else if (c >= 'a' && c <= 'z') {
            begin(c, State.KEYWORD);
        } else if (state != State.AFRESH || !isOutsideJson(c)) {
            tokenStart = length;
            stray(c);
        }
    }

    private void begin(int c, State next) {
        tokenStart = length;
        append(c, next);
    }

    private void structural(int c, Token token) {
        begin(c, State.START);
        accept(token);
    }

    private boolean string(int c) {
        if (c < ' ' || c >= 0xfe) {
            return stray(c);
        }
        if (state == State.ESCAPE || (c != '\\' && c != quote)) {
            return append(c, State.STRING);
        }
        if (c == '\\') {
            return append(c, State.ESCAPE);
        }
        append(c, State.STRING);
        end(Token.STRING);
        return true;
    }

    private boolean number(int c) {
        boolean digit = c >= '0' && c <= '9';
        State next = switch (state) {
            case SIGN -> c == '0' ? State.ZERO : digit ? State.DIGITS : null;
            case ZERO, DIGITS -> integer(c, digit);
            case POINT -> digit ? State.FRACTION : null;
            case FRACTION -> digit ? State.FRACTION : (c | 0x20) == 'e' ? State.EXPONENT : null;
            case EXPONENT -> c == '+' || c == '-' ? State.EXPONENT_SIGN : digit ? State.EXPONENT_DIGITS : null;
            default -> digit ? State.EXPONENT_DIGITS : null;
        };
        if (next != null) {
            return append(c, next);
        }
        boolean whole = (state == State.ZERO && !digit)
                || state == State.DIGITS
                || state == State.FRACTION
                || state == State.EXPONENT_DIGITS;
        return whole ? end(Token.NUMBER) : stray(c);
    }

    private @Nullable State integer(int c, boolean digit) {
        if (c == '.') {
            return State.POINT;
        }
        if ((c | 0x20) == 'e') {
            return State.EXPONENT;
        }
        return digit && state == State.DIGITS ? State.DIGITS : null;
    }

    private Token keyword() {
        if (skipDepth > 0) {
            return Token.KEYWORD;
        }
        String word = tokenText(length);
        return word.equals("true") || word.equals("false") || word.equals("null")
                ? Token.KEYWORD
                : Token.UNKNOWN_KEYWORD;
    }

    private boolean skip(int c) {
        if (c == '{') {
            state = State.AFRESH;
            return false;
        }
        if (isOutsideJson(c) || c == '\n' || c == '\r') {
            state = State.AFRESH;
        }
        return true;
    }

    private static boolean isOutsideJson(int c) {
        return (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c >= 0xfe;
    }

    private boolean append(int c, State next) {
        state = next;
        if (skipDepth > 0) {
            return true; // what is skipped is not kept
        }
        if (length >= maxBytes()) {
            refuse("JSON token size limit exceeded", grammar.depth());
            if (grammar.depth() == 0) {
                lose();
            }
            return true;
        }
        reserve(1);
        bytes[length++] = (byte) c;
        return true;
    }

    /** Ends a token before the present byte. */
    private boolean end(Token token) {
        if (state != State.LOST) { // a string too long for its limit has ended in the meantime
            state = State.START;
            accept(token);
        }
        return false;
    }

    private void accept(Token token) {
        if (state == State.LOST) {
            return;
        }
        if (skipDepth > 0) {
            skipped(token);
        } else if (++tokens > budget.maxTokens()) {
            refuse("JSON token count limit exceeded", depthAfter(token));
        } else if (token.opens() && grammar.depth() == MAX_DEPTH) {
            refuse("JSON nesting depth limit exceeded", depthAfter(token));
        } else {
            parse(token);
        }
    }

    private long depthAfter(Token token) {
        return (long) grammar.depth() + (token.opens() ? 1 : token.closes() ? -1 : 0);
    }

    private void parse(Token token) {
        String wrong = grammar.accept(token);
        if (wrong == null && token == Token.UNKNOWN_KEYWORD) {
            wrong = "invalid keyword '" + tokenText(length) + "'";
        }
        if (wrong == null) {
            complete = grammar.depth() == 0;
            return;
        }
        boolean misplacedEnd = token.closes() && !grammar.isEnd(token);
        boolean outside = grammar.depth() == 0;
        refuse(PREFIX + wrong, depthAfter(token));
        if (misplacedEnd || outside) {
            lose();
        }
    }

    /** Reports a fault in a value of which so many brackets are still open. */
    private void refuse(String message, long depth) {
        fault = message;
        clear();
        skipDepth = Math.max(0, depth);
        if (skipDepth == 0 && state == State.START) {
            state = State.AFRESH;
        }
    }

    private void skipped(Token token) {
        skipDepth += token.opens() ? 1 : token.closes() ? -1 : 0;
        if (skipDepth == 0) {
            clear();
            state = State.AFRESH;
        }
    }

    private void lose() {
        skipDepth = 0;
        state = State.LOST;
    }

    /** A byte cannot be part of any token here: nothing more can be made of the value it stands in. */
    private boolean stray(int c) {
        if (skipDepth == 0) {
            append(c, state);
            fault = PREFIX + "stray '" + tokenText(length) + "'";
        }
        clear();
        skipDepth = 0;
        state = isOutsideJson(c) || c == '\n' || c == '\r' ? State.AFRESH : State.LOST;
        return true;
    }

    private String tokenText(int end) {
        int shown = Math.min(end - tokenStart, SHOWN_BYTES);
        String text = new String(bytes, tokenStart, shown, StandardCharsets.UTF_8);
        return shown < end - tokenStart ? text + "..." : text;
    }
}
