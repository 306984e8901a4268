package org.vportd.daemon;

import org.vportd.serial.SerialDevice;

/** What a person, or a script that starts the program, has to know to go on. */
final class Notices {
    private Notices() {}

    /** What has to be added to QEMU's and user-mode Linux's command lines. */
    static void howToConnect(String path, SerialDevice device) {
        Console.err()
                .println("vportd: for QEMU 10.2 or later add (SIZE is the guest's memory):\n"
                        + "  -object memory-backend-memfd,id=mem,size=SIZE,share=on -machine memory-backend=mem \\\n"
                        + "  -chardev socket,id=vportd,path=" + path.replace(",", ",,") + " \\\n"
                        + "  -device vhost-user-test-device-pci,chardev=vportd,virtio-id=3,num_vqs="
                        + device.queueCount() + ",config_size=" + device.configBytes() + "\n"
                        + "vportd: for user-mode Linux add: virtio_uml.device=" + path + ":3");
    }
}
