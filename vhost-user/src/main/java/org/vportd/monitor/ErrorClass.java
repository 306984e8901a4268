package org.vportd.monitor;

/** What clients can tell errors apart by, besides words. */
enum ErrorClass {
    GENERIC_ERROR("GenericError"),
    COMMAND_NOT_FOUND("CommandNotFound"),
    DEVICE_NOT_FOUND("DeviceNotFound");

    private final String word;

    ErrorClass(String word) {
        this.word = word;
    }

    String word() {
        return word;
    }
}
