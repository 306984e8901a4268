package org.vportd.virtio;

/** Bytes are not the state of a device, or not one that this device can go on with. */
public final class DeviceStateException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Makes the refusal. */
    public DeviceStateException(String message) {
        super(message);
    }
}
