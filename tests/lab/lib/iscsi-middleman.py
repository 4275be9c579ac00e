# Usage: iscsi-middleman.py FILE PORT ADDRESS TARGET-PORT
# Stands between initiators and a target's portal, PDU by PDU (no digests). FILE says how logins are answered:
#   pass                        by the target
#   refuse                      service unavailable, out of resources (0302)
#   redirect ADDRESS:PORT,TAG   moved there for the time being (0101)
# SIGUSR1: every normal session is asked to log out (Asynchronous Message, event 1, RFC 7143 11.9). SIGUSR2: all connections end.
# Says on its output: logins that it answered itself, logins that the target refused, logout requests it sent and logouts that came.
# SPDX-License-Identifier: GPL-2.0-or-later
import selectors
import signal
import socket
import struct
import sys

mode_file, port, address, target_port = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
LOGIN, LOGOUT, LOGIN_ANSWER, ASYNC = 0x03, 0x06, 0x23, 0x32
sel = selectors.DefaultSelector()
pairs = set()


class Pair:
    """One connection: the initiator's socket, the target's, what has come of either, and the shift of StatSN."""

    def __init__(self, initiator):
        self.initiator = initiator
        self.target = socket.create_connection((address, target_port))
        self.buffer = {self.initiator: b"", self.target: b""}
        self.shift = 0  # Asynchronous Messages sent so far: each took a StatSN
        self.last = None  # head of the last PDU of the target's that had a StatSN, as the initiator saw it
        self.normal = False  # in full feature phase
        for end in (self.initiator, self.target):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sel.register(end, selectors.EVENT_READ, self)
        pairs.add(self)

    def close(self):
        pairs.discard(self)
        for end in (self.initiator, self.target):
            sel.unregister(end)
            end.close()

    def readable(self, end):
        data = end.recv(1 << 18)
        if not data:
            raise ConnectionError("closed")
        self.buffer[end] += data
        while (pdu := self.cut(end)) is not None:
            (self.from_initiator if end is self.initiator else self.from_target)(pdu)

    def cut(self, end):
        """The next whole PDU of what has come from an end, or None."""
        data = self.buffer[end]
        if len(data) < 48:
            return None
        size = 48 + 4 * data[4] + (int.from_bytes(data[5:8], "big") + 3 & ~3)
        if len(data) < size:
            return None
        self.buffer[end] = data[size:]
        return bytearray(data[:size])

    def from_initiator(self, pdu):
        opcode = pdu[0] & 0x3F
        if opcode == LOGOUT and self.normal:
            print("logout by port", self.initiator.getpeername()[1], flush=True)
        if opcode == LOGIN:
            with open(mode_file) as f:
                mode = f.read().split()
            if mode[0] != "pass" and b"SessionType=Discovery" not in pdu:
                self.answer(pdu, mode)
                print("login answered:", *mode, flush=True)
                raise ConnectionError(mode[0])
        else:
            self.add(pdu, 28, -self.shift)  # ExpStatSN
        self.target.sendall(pdu)

    def answer(self, login, mode):
        """A Login Response that grants nothing."""
        text = b"" if mode[0] == "refuse" else b"TargetAddress=" + mode[1].encode() + b"\0"
        head = bytearray(48)
        head[0] = LOGIN_ANSWER
        head[5:8] = len(text).to_bytes(3, "big")
        head[8:16] = login[8:16]  # ISID, TSIH
        head[16:20] = login[16:20]  # task tag
        head[28:32] = login[24:28]  # ExpCmdSN
        head[32:36] = login[24:28]
        head[36:38] = bytes([3, 2]) if mode[0] == "refuse" else bytes([1, 1])
        self.initiator.sendall(bytes(head) + text + bytes(-len(text) % 4))

    def from_target(self, pdu):
        opcode = pdu[0] & 0x3F
        if opcode == LOGIN_ANSWER:
            self.normal = pdu[1] & 0x83 == 0x83 and pdu[36] == 0
            if pdu[36]:
                print("target answered a login with %02x%02x" % (pdu[36], pdu[37]), flush=True)
        elif opcode != 0x25 or pdu[1] & 1:  # Data-In has a StatSN with its status only
            self.add(pdu, 24, self.shift)
        if opcode != 0x25 or pdu[1] & 1:
            # An R2T and a NOP-In of the target's own carry the next StatSN, they do not take it.
            took = opcode != 0x31 and not (opcode == 0x20 and pdu[16:20] == b"\xff\xff\xff\xff")
            self.last = (struct.unpack_from(">I", pdu, 24)[0] + took, bytes(pdu[28:36]))
        self.initiator.sendall(pdu)

    def ask_logout(self):
        head = bytearray(48)
        head[0], head[1] = ASYNC, 0x80
        head[16:20] = b"\xff\xff\xff\xff"
        struct.pack_into(">I", head, 24, self.last[0] & 0xFFFFFFFF)
        head[28:36] = self.last[1]  # ExpCmdSN, MaxCmdSN
        head[36] = 1  # the target requests logout
        struct.pack_into(">H", head, 42, 3)  # within 3 seconds
        self.shift += 1
        self.initiator.sendall(head)
        print("logout request", self.initiator.getpeername(), flush=True)

    @staticmethod
    def add(pdu, at, by):
        struct.pack_into(">I", pdu, at, struct.unpack_from(">I", pdu, at)[0] + by & 0xFFFFFFFF)


asked = set()


def act():
    """What was asked for by signals."""
    while asked:
        number = asked.pop()
        for pair in list(pairs):
            if number == signal.SIGUSR2:
                pair.close()
            elif pair.normal and pair.last:
                pair.ask_logout()


def main():
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda number, _frame: asked.add(number))
    listener = socket.create_server(("", port), backlog=64)
    sel.register(listener, selectors.EVENT_READ)
    while True:
        ready = sel.select(0.2)
        act()
        for key, _ in ready:
            if key.fileobj is listener:
                end = listener.accept()[0]
                try:
                    Pair(end)
                except OSError as error:
                    print("target:", error, flush=True)
                    end.close()
            elif key.data in pairs:
                try:
                    key.data.readable(key.fileobj)
                except OSError as error:
                    print("end:", error, flush=True)
                    key.data.close()


main()
