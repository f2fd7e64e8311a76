# SPDX-License-Identifier: GPL-2.0-only
"""Lists of real machines, to compare the model with them."""

import hashlib
import re
import struct

from model import machine
from model.entries import Wire
from model.kernel import Boot
from model.machine import Setup
from model.operations import Suspend
from model.tpm import Bank

BANKS = tuple(Bank(name, name, name) for name in ("sha1", "sha256", "sha384", "sha512"))


def parsed(data: bytes) -> list[Wire]:
    """A binary list of a little-endian machine, with SHA-1 template digests."""
    found, at = [], 0

    def number() -> int:
        nonlocal at
        at += 4
        return int(struct.unpack_from("<I", data, at - 4)[0])

    def piece(size: int) -> bytes:
        nonlocal at
        at += size
        return data[at - size:at]

    while at < len(data):
        pcr, digest = number(), piece(20)
        template = piece(number()).decode()
        size = number()
        end, fields = at + size, []
        while at < end:
            fields.append(piece(number()))
        found.append(Wire(pcr, template, tuple(fields), digest))
    return found


def records(entries: list[Wire]) -> list[str]:
    return [entry.fields[2].decode() for entry in entries if entry.name == b"pcr_counter"]


class Replay:
    """Values of one PCR in each bank."""

    def __init__(self, pcr: int):
        self.pcr = pcr
        self.values = {bank.alg: bytes(bank.size) for bank in BANKS}

    def add(self, entry: Wire) -> None:
        if entry.pcr == self.pcr:
            for bank in BANKS:
                self.values[bank.alg] = hashlib.new(bank.alg, self.values[bank.alg] + entry.extended(
                    bank.alg, bank.size, True)).digest()


def values_in(record: str) -> dict[str, bytes]:
    pairs = dict(pair.split("=", 1) for pair in record.split(";")[:-1])
    return {name: bytes.fromhex(value) for name, value in re.findall(r"(\w+):([0-9a-f]{40,})", pairs.get("pcr", ""))}


def agreement(entries: list[Wire], pcr: int = 10) -> tuple[int, int]:
    """How many records have the values of the entries before them, and how many have others."""
    agreed = differing = 0
    replay = Replay(pcr)
    for entry in entries:
        if entry.name == b"pcr_counter":
            values = values_in(entry.fields[2].decode())
            if values and all(replay.values[alg] == value for alg, value in values.items()):
                agreed += 1
            elif values:
                differing += 1
        replay.add(entry)
    return agreed, differing


def leads_to(entries: list[Wire], pcrread: str, pcr: int = 10) -> bool:
    """Do some of the first entries lead to the values?"""
    wanted, bank = {}, ""
    for line in pcrread.splitlines():
        head, _, value = line.partition(":")
        if not value.strip():
            bank = head.strip()
        elif int(head) == pcr:
            wanted[bank] = bytes.fromhex(value.strip()[2:])
    replay = Replay(pcr)
    for entry in entries:
        replay.add(entry)
        if all(replay.values[alg] == value for alg, value in wanted.items()):
            return True
    return False


def keys_of_the_model() -> list[str]:
    """The keys of a record, in the order in which the model writes them."""
    live = machine.run(Setup(BANKS[:2]), [Suspend("idle")])
    failed = machine.run(Setup(BANKS[:2], Boot(fails=frozenset(("read",)))), [])
    texts = [entry.facts.text.decode() for entry in (*live.master, *failed.master) if entry.facts]
    keys = [pair.split("=")[0] for pair in texts[0].split(";")[:-1]]
    other = [pair.split("=")[0] for pair in texts[-1].split(";")[:-1]]
    keys.insert(other.index("error"), "error")
    return keys
