package org.vportd.daemon;

import java.lang.System.Logger.Level;
import java.lang.reflect.Proxy;
import org.vportd.loop.EventLoop;

/**
 * Hears of SIGCONT: the process goes on after it was stopped. The Java class for that is reached by reflection, as the
 * compiler warns of its very name.
 */
final class ContinueSignal implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(ContinueSignal.class.getName());

    private volatile boolean closed;

    private ContinueSignal() {}

    /**
     * Has something done on the loop each time.
     *
     * @param action loop thread
     */
    static ContinueSignal handle(EventLoop loop, Runnable action) {
        ContinueSignal signal = new ContinueSignal();
        try {
            Class<?> type = Class.forName("sun.misc.Signal");
            Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
            Object handler = Proxy.newProxyInstance(
                    ContinueSignal.class.getClassLoader(), new Class<?>[] {handlerType}, (proxy, method, arguments) -> {
                        if (method.getName().equals("handle") && !signal.closed) {
                            loop.post(action);
                        }
                        return null;
                    });
            type.getMethod("handle", type, handlerType)
                    .invoke(null, type.getConstructor(String.class).newInstance("CONT"), handler);
        } catch (ReflectiveOperationException e) {
            LOGGER.log(Level.DEBUG, "no SIGCONT here, the terminal's mode is not set again: error=" + e);
        }
        return signal;
    }

    /** Does nothing any more. */
    @Override
    public void close() {
        closed = true;
    }
}
