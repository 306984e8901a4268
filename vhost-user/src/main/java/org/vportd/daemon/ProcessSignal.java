package org.vportd.daemon;

import java.lang.System.Logger.Level;
import java.lang.reflect.Proxy;
import org.vportd.loop.EventLoop;

/**
 * Hears of a signal, such as SIGCONT when the process goes on after it was stopped, or SIGWINCH when its terminal has
 * another size. The Java class for that is reached by reflection, as the compiler warns of its very name.
 */
final class ProcessSignal implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(ProcessSignal.class.getName());

    private volatile boolean closed;

    private ProcessSignal() {}

    /**
     * Has something done on the loop each time.
     *
     * @param name the name of the signal, without SIG
     * @param action loop thread
     */
    static ProcessSignal handle(EventLoop loop, String name, Runnable action) {
        ProcessSignal signal = new ProcessSignal();
        try {
            Class<?> type = Class.forName("sun.misc.Signal");
            Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
            Object handler = Proxy.newProxyInstance(
                    ProcessSignal.class.getClassLoader(), new Class<?>[] {handlerType}, (proxy, method, arguments) -> {
                        if (method.getName().equals("handle") && !signal.closed) {
                            loop.post(action);
                        }
                        return null;
                    });
            type.getMethod("handle", type, handlerType)
                    .invoke(null, type.getConstructor(String.class).newInstance(name), handler);
        } catch (ReflectiveOperationException e) {
            LOGGER.log(Level.DEBUG, "a signal is not heard of: signal=SIG" + name + " error=" + e);
        }
        return signal;
    }

    /** Does nothing any more. */
    @Override
    public void close() {
        closed = true;
    }
}
