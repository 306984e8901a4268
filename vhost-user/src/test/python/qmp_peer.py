"""Monitors as a program that manages virtual machines uses them: qmp_peer.py UNIX_SOCKET TCP_PORT

Leaves a chardev "passed" with its port "dp" behind if all goes as it should, quits the daemon, and exits with 0.
"""
import array
import json
import socket
import sys
import time


class Monitor:
    def __init__(self, family, address):
        self.socket = socket.socket(family)
        self.socket.settimeout(15)
        self.socket.connect(address)
        self.buffer = b""
        self.events = []
        assert "QMP" in self.line(), "no greeting"

    def line(self):
        while b"\r\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError("the monitor has gone")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        assert all(32 <= c < 127 for c in line), line
        return json.loads(line)

    def answer(self):
        while True:
            message = self.line()
            if "event" not in message:
                return message
            self.events.append(message)

    def send(self, text, fd=None):
        data = text.encode()
        rights = [] if fd is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        assert self.socket.sendmsg([data], rights) == len(data)

    def ask(self, command, arguments=None, fd=None):
        request = {"execute": command}
        if arguments is not None:
            request["arguments"] = arguments
        self.send(json.dumps(request), fd)
        return self.answer()

    def run(self, command, arguments=None, fd=None):
        answer = self.ask(command, arguments, fd)
        assert "return" in answer, (command, answer)
        return answer["return"]

    def refused(self, command, arguments, fd=None):
        answer = self.ask(command, arguments, fd)
        assert answer["error"]["class"] == "GenericError", answer
        return answer["error"]["desc"]

    def event(self, name):
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event["data"]
            message = self.line()
            assert "event" in message, message
            self.events.append(message)


def same(expected, found):
    assert expected == found, "expected %r, found %r" % (expected, found)


def passes_descriptors(monitor):
    same("No file descriptor supplied via SCM_RIGHTS", monitor.refused("getfd", {"fdname": "a"}))
    ours, theirs = socket.socketpair()
    monitor.run("getfd", {"fdname": "a"}, theirs.fileno())
    theirs.close()
    backend = {"type": "socket", "data": {"addr": {"type": "fd", "data": {"str": "a"}}, "server": False}}
    monitor.run("chardev-add", {"id": "passed", "backend": backend})
    same("File descriptor named 'a' not found", monitor.refused("closefd", {"fdname": "a"}))
    monitor.run("device_add", {"driver": "virtserialport", "id": "dp", "chardev": "passed", "nr": 3})
    same({"id": "dp", "open": True}, monitor.event("VSERPORT_CHANGE"))
    echoes(ours)


def adds_client(monitor):
    ours, theirs = socket.socketpair()
    monitor.run("getfd", {"fdname": "c"}, theirs.fileno())
    same("protocol 'nobody' is invalid", monitor.refused("add_client", {"protocol": "nobody", "fdname": "c"}))
    same(
        "File descriptor named 'c' has not been found",
        monitor.refused("add_client", {"protocol": "chan", "fdname": "c"}),
    )
    monitor.run("getfd", {"fdname": "c"}, theirs.fileno())
    monitor.run("add_client", {"protocol": "chan", "fdname": "c"})
    echoes(ours)
    monitor.run("getfd", {"fdname": "c"}, theirs.fileno())
    same("failed to add client", monitor.refused("add_client", {"protocol": "chan", "fdname": "c"}))
    echoes(ours)
    ours.close()
    theirs.close()


def echoes(peer):
    peer.settimeout(15)
    sent = b"through the guest and back"
    peer.sendall(sent)
    got = b""
    while len(got) < len(sent):
        data = peer.recv(100)
        assert data, "the port has closed the connection"
        got += data
    same(sent, got)


def byte_by_byte(monitor):
    for c in '{"execute": "query-name", "id": ["x", {"y": null}]}':
        monitor.send(c)
        time.sleep(0.001)
    same({"return": {"name": "foreign"}, "id": ["x", {"y": None}]}, monitor.answer())


def stops_reading(address, other):
    deaf = Monitor(socket.AF_UNIX, address)
    deaf.run("qmp_capabilities")
    deaf.socket.setblocking(False)
    try:
        while True:
            deaf.socket.send(b'{"execute": "query-qmp-schema"}')
    except BlockingIOError:
        pass
    begin = time.monotonic()
    same({"name": "foreign"}, other.run("query-name"))
    assert time.monotonic() - begin < 5, "the other monitor had to wait"
    deaf.socket.close()


def main(path, port):
    tcp = Monitor(socket.AF_INET, ("127.0.0.1", port))
    same("Expecting capabilities negotiation with 'qmp_capabilities'", tcp.ask("query-name")["error"]["desc"])
    tcp.run("qmp_capabilities")
    stops_reading(path, tcp)
    unix = Monitor(socket.AF_UNIX, path)
    unix.run("qmp_capabilities")
    passes_descriptors(unix)
    adds_client(unix)
    byte_by_byte(tcp)
    same("No file descriptor supplied via SCM_RIGHTS", tcp.refused("getfd", {"fdname": "a"}))
    same({"id": "dp", "open": True}, tcp.event("VSERPORT_CHANGE"))
    same({}, unix.run("quit"))
    same("host-qmp-quit", tcp.event("SHUTDOWN")["reason"])
    try:
        while True:
            tcp.line()
    except (EOFError, ConnectionResetError):
        print("all is well")


main(sys.argv[1], int(sys.argv[2]))
