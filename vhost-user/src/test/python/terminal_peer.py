"""Runs a program in a terminal of its own and uses its console and monitor: terminal_peer.py COMMAND...

What is typed reaches the guest, which echoes it; Ctrl-A c goes to the monitor, Ctrl-A x ends the program. Exits with the
program's status.
"""
import os
import pty
import select
import subprocess
import sys
import termios
import time

PATIENCE_S = 30


class Terminal:
    def __init__(self, fd):
        self.fd = fd
        self.shown = ""

    def read(self, deadline):
        ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
        assert ready, "nothing more comes: %r" % self.shown
        data = os.read(self.fd, 65536)
        self.shown += data.decode("latin1")

    def expect(self, text):
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.shown:
            self.read(deadline)
        self.shown = self.shown.split(text, 1)[1]

    def type(self, text):
        os.write(self.fd, text.encode("latin1"))


def main(command):
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    try:
        terminal = Terminal(master)
        terminal.expect("virtio_uml.device=")
        print("ready", flush=True)
        sys.stdin.readline()  # the guest has come
        terminal.type("typed\x03")
        terminal.expect("typed\x03")
        terminal.type("\x01c")
        terminal.expect("(vportd) ")
        terminal.type("info chardev\r")
        terminal.expect("virtioconsole0-base: filename=stdio")
        terminal.expect("(vportd) ")
        terminal.type("\x01c")
        terminal.type("again")
        terminal.expect("again")
        terminal.type("\x01x")
        status = process.wait(PATIENCE_S)
        assert termios.tcgetattr(slave) == before, "the terminal is not as it was"
        return status
    finally:
        process.kill()


sys.exit(main(sys.argv[1:]))
