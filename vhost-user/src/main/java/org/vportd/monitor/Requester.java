package org.vportd.monitor;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Fd;

/** Whoever a command is carried out for. */
interface Requester {
    /** The descriptors that it has given names to. */
    NamedDescriptors.Names names();

    /** Takes the descriptor that came with the present command, and closes others that did; null if there is none. */
    @Nullable
    Fd takePassed();

    /** Has something done once the response to the present command is on its way. */
    void afterReply(Runnable action);

    /**
     * Ends the negotiation of capabilities.
     *
     * @param enable those that are wanted
     */
    void negotiate(List<?> enable) throws QmpException;
}
