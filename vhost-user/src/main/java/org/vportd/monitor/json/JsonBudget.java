package org.vportd.monitor.json;

/**
 * How much memory the values may have that clients are in the midst of sending, each one and all of them, and what they have
 * not read yet: a part of what there is, as a value that is read and answered is in memory several times over. One thread.
 */
public final class JsonBudget {
    private static final int BYTES_SHARE = 32;
    private static final int TOKENS_SHARE = 1024;

    private final int maxBytes;
    private final int maxTokens;
    private long left;

    /** Makes one for the values of some clients together. */
    public JsonBudget() {
        this(Runtime.getRuntime().maxMemory());
    }

    /** Makes one for a heap of that size. */
    JsonBudget(long heapBytes) {
        this(
                (int) Math.min(JsonFramer.MAX_BYTES, heapBytes / BYTES_SHARE),
                (int) Math.min(JsonFramer.MAX_TOKENS, heapBytes / TOKENS_SHARE),
                heapBytes / BYTES_SHARE * 2);
    }

    /** Makes one with limits of its own, for tests. */
    public JsonBudget(int maxBytes, int maxTokens, long left) {
        this.maxBytes = maxBytes;
        this.maxTokens = maxTokens;
        this.left = left;
    }

    /** The most that the tokens of one value may have, in bytes. */
    int maxBytes() {
        return maxBytes;
    }

    /** The most tokens that one value may have. */
    int maxTokens() {
        return maxTokens;
    }

    /** What nobody has taken; less than 0 if answers turned out longer than that. */
    public long left() {
        return left;
    }

    /** Takes some of it; gives back if negative. */
    public void take(long bytes) {
        left -= bytes;
    }
}
