#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Stands between QEMU and swtpm, and makes the TPM fail on demand.
# "lab/proxy.py --help" tells the rest. Python, for sockets that pass
# descriptors.

import argparse
import array
import math
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

HELP = """\
Listens where QEMU looks for swtpm's control socket, passes on what it says, and
keeps the data channel, which QEMU hands over by CMD_SET_DATAFD, to itself: each
command and each answer goes through this program.

FILE lists faults, one a line. Lines may be added at any time; each one is for the
next command of the name that it gives, or for the next one if that is "any".
COMMAND:N is the Nth from then on.

  error COMMAND CODE    don't execute it; answer with this response code (hex)
  fail COMMAND CODE     execute it, and answer with this response code (hex)
  late COMMAND SECONDS  execute it, and hold the answer back, as long as the guest
                        waits for it
  lose COMMAND          execute it, and never answer
  drop COMMAND          don't execute it, and never answer
  cut COMMAND SIZE      execute it, and answer with SIZE bytes
  flip COMMAND OFFSET   execute it, and flip a bit of the answer's byte at OFFSET
  twice COMMAND         execute it and the command after it, whatever that is, and
                        answer both with the first one's answer
Before the next command, whatever it is:

  inject PCR            extend a PCR by one digest in the SHA-256 bank
  restart               power the TPM off and on; it then waits for a startup
  startup               start it up (TPM2_Startup, TPM_SU_CLEAR)
  mark WORD             nothing; but it is in the log

COMMAND is PCR_Read, PCR_Extend, PCR_Event, any, or a command code in hex. LOG gets
a line for each command, with the fault if there was one, and for each of the others."""

CMD_INIT = 0x02
CMD_CANCEL_TPM_CMD = 0x09
CMD_SET_DATAFD = 0x10
TPM_RC_CANCELED = 0x909

CODES = {"PCR_Read": 0x17E, "PCR_Extend": 0x182, "PCR_Event": 0x13C, "any": None}
NAMES = {code: name for name, code in CODES.items()}


def hexadecimal(text):
    return int(text, 16)


# What a fault's value is; None where it has none
BEFORE: dict[str, Callable | None] = {"inject": int, "restart": None, "startup": None, "mark": str}
FAULTS: dict[str, Callable | None] = {
    "error": hexadecimal, "fail": hexadecimal, "late": float, "lose": None, "drop": None, "cut": int, "flip": int,
    "twice": None}


class Fault:
    """A line of FILE: its words, the command's code, which of them it is for, and the value."""

    def __init__(self, line):
        self.line = line
        self.name, *words = line.split()
        self.code = self.count = None
        if self.name in FAULTS:
            command, _, count = words.pop(0).partition(":")
            self.code = CODES[command] if command in CODES else hexadecimal(command)
            self.count = int(count or 1)
        value = (FAULTS | BEFORE)[self.name]
        self.value = value(words.pop(0)) if value else None
        if words:
            raise ValueError(words[0])


class Faults:
    """The faults that FILE lists and that have not happened yet."""

    def __init__(self, path):
        self.path = path
        self.offset = 0
        self.pending = []

    def read_more(self):
        try:
            with open(self.path, encoding="ascii") as file:
                file.seek(self.offset)
                lines = file.read()
        except FileNotFoundError:
            return
        complete = lines[:lines.rfind("\n") + 1]
        self.offset += len(complete)
        for line in complete.splitlines():
            try:
                self.pending += [Fault(line)] if line else []
            except (IndexError, KeyError, ValueError):
                print(f"proxy.py: {self.path}: not a fault: {line}", file=sys.stderr)

    def take_all_before(self):
        """What is to happen before the next command, in order."""
        self.read_more()
        found = [fault for fault in self.pending if fault.name in BEFORE]
        self.pending = [fault for fault in self.pending if fault.name not in BEFORE]
        return found

    def take(self, code):
        """What is to happen to this command, None if nothing is. All that wait for such a one count it."""
        waiting = [fault for fault in self.pending if fault.code in (None, code)]
        for fault in waiting:
            fault.count -= 1
        due = [fault for fault in waiting if fault.count <= 0]
        if not due:
            return None
        self.pending.remove(due[0])
        return due[0]


def receive(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def receive_message(sock):
    """A command or a response: both tell their size in the header."""
    header = receive(sock, 10)
    return header + receive(sock, struct.unpack(">I", header[2:6])[0] - 10)


def response(code):
    return struct.pack(">HII", 0x8001, 10, code)


def extend(pcr):
    """TPM2_PCR_Extend of the SHA-256 bank, with an empty password."""
    body = struct.pack(">II", pcr, 9) + struct.pack(">IHBH", 0x40000009, 0, 0, 0) + struct.pack(">IH", 1, 0x000B) + b"\x5a" * 32
    return struct.pack(">HII", 0x8002, 10 + len(body), CODES["PCR_Extend"]) + body


def startup():
    return struct.pack(">HIIH", 0x8001, 12, 0x144, 0)


class Proxy:
    """What is between QEMU (qemu: control channel, guest: data channel) and swtpm (control, tpm)."""

    def __init__(self, qemu, control, faults, log):
        self.qemu, self.control, self.faults, self.log = qemu, control, faults, log
        self.guest: socket.socket | None = None
        self.tpm: socket.socket | None = None
        # An answer that the guest waits for, and when it is to get it
        self.held: bytes | None = None
        self.due: float = 0
        # An answer that the next command gets too
        self.again: bytes | None = None

    def transact(self, command):
        assert self.tpm, "QEMU sends no command before it has handed over the data channel"
        self.tpm.sendall(command)
        return receive_message(self.tpm)

    def happen(self, fault):
        """What is to happen before a command."""
        print(fault.line, file=self.log)
        if fault.name == "mark":
            return
        if fault.name == "restart":
            self.control.sendall(struct.pack(">II", CMD_INIT, 0))
            answer = receive(self.control, 4)
        else:
            answer = self.transact(startup() if fault.name == "startup" else extend(fault.value))[6:10]
        if answer != b"\0\0\0\0":
            print(f"proxy.py: {fault.line}: the TPM answers {answer.hex()}", file=sys.stderr)

    def serve(self):
        """Take one command from the guest, and hold its answer."""
        command = receive_message(self.guest)
        code = struct.unpack(">I", command[6:10])[0]
        for fault in self.faults.take_all_before():
            self.happen(fault)
        fault = self.faults.take(code)
        name: str = fault.name if fault else ""
        value: Any = fault.value if fault else None
        print(NAMES.get(code, f"{code:x}") + (f"  # {fault.line}" if fault else ""), file=self.log)

        self.due = time.monotonic()
        if name == "error":
            answer = response(value)
        elif name == "drop":
            answer = response(TPM_RC_CANCELED)
        else:
            answer = self.transact(command)
        if self.again:
            answer, self.again = self.again, None
        if name == "fail":
            answer = response(value)
        elif name == "cut":
            answer = answer[:2] + struct.pack(">I", value) + answer[6:value]
        elif name == "flip":
            answer = answer[:value] + bytes([answer[value] ^ 1]) + answer[value + 1:]
        elif name == "twice":
            self.again = answer
        elif name == "late":
            self.due += value
        elif name in ("lose", "drop"):
            self.due = math.inf
        self.held = answer

    def answer(self):
        assert self.guest and self.held
        self.guest.sendall(self.held)
        self.held = None

    def pass_control(self):
        """Pass on one control message of QEMU's."""
        message, ancillary, _, _ = self.qemu.recvmsg(4096, socket.CMSG_SPACE(4))
        if not message:
            raise EOFError
        code = struct.unpack(">I", message[:4])[0]
        if code == CMD_CANCEL_TPM_CMD and self.held:
            # The guest gives up. QEMU can't before it has an answer, which it throws away.
            self.qemu.sendall(b"\0\0\0\0")
            self.answer()
        elif code == CMD_SET_DATAFD:
            self.guest = socket.socket(fileno=array.array("i", ancillary[0][2])[0])
            self.tpm, end = socket.socketpair()
            self.control.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [end.fileno()]))])
            end.close()
        else:
            self.control.sendall(message)

    def run(self):
        """Until one of the two ends."""
        while True:
            ends = [self.qemu, self.control] + ([self.guest] if self.guest and not self.held else [])
            wait = self.due - time.monotonic() if self.held and self.due < math.inf else None
            ready, _, _ = select.select(ends, [], [], wait if wait is None else max(wait, 0))
            if self.qemu in ready:
                self.pass_control()
            if self.control in ready:
                answer = self.control.recv(4096)
                if not answer:
                    raise EOFError
                self.qemu.sendall(answer)
            if self.guest in ready:
                self.serve()
            if self.held and self.due <= time.monotonic():
                self.answer()


def main():
    parser = argparse.ArgumentParser(prog="proxy.py", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", metavar="SOCKET", required=True, help="where QEMU connects to")
    parser.add_argument("--swtpm", metavar="SOCKET", required=True, help="swtpm's control socket")
    parser.add_argument("--faults", metavar="FILE", required=True, help="the list of faults; may be missing until there is one")
    parser.add_argument("--log", metavar="LOG", required=True, help="where to write what happened")
    args = parser.parse_args()

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(args.listen)
    listener.listen(1)
    qemu, _ = listener.accept()
    control = socket.socket(socket.AF_UNIX)
    control.connect(args.swtpm)
    with open(args.log, "w", buffering=1, encoding="ascii") as log:
        try:
            Proxy(qemu, control, Faults(args.faults), log).run()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return 0
        finally:
            os.unlink(args.listen)


if __name__ == "__main__":
    sys.exit(main())
