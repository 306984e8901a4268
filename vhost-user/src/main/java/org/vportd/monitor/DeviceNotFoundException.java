package org.vportd.monitor;

import org.vportd.chardev.ConfigException;

/** There is no device, object or the like of the name given. Clients get the error class {@code DeviceNotFound}. */
public final class DeviceNotFoundException extends ConfigException {
    private static final long serialVersionUID = 1L;

    /** Makes it, with the whole message. */
    public DeviceNotFoundException(String message) {
        super(message);
    }

    /** Makes the one that says so of a device. */
    public static DeviceNotFoundException ofDevice(String idOrPath) {
        return new DeviceNotFoundException("Device '" + idOrPath + "' not found");
    }
}
