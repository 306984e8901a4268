package org.vportd.chardev.secure;

/** Something that was made by {@code -object}. It cannot be removed while it is used. */
public abstract class UserObject {
    private int users;

    /** For the types. */
    protected UserObject() {}

    /** Somebody uses it from now on. */
    public final void acquire() {
        users++;
    }

    /** Somebody who had called {@link #acquire} uses it no more. */
    public final void release() {
        users--;
    }

    /** Whether somebody uses it. */
    public final boolean isUsed() {
        return users > 0;
    }
}
