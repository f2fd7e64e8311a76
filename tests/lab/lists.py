# SPDX-License-Identifier: GPL-2.0-only
"""Measurement lists of machines that never were, with the PCR values that belong to them, and where their entries are."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.verifier import Verifier

# Size of the SHA-1 digest of the template data, which a binary list has
DIGEST = 20


@dataclass(frozen=True)
class Entry:
    """Where one is in a binary list: its first byte, and the one after its last."""
    start: int
    end: int


def number(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset:offset + 4], "little")


def name_of(entry: Entry) -> int:
    """Where the template's name begins; its length is before it."""
    return entry.start + 4 + DIGEST + 4


def data_of(data: bytes, entry: Entry) -> int:
    """Where the template's data begins; its length is before it."""
    name = name_of(entry)
    return name + number(data, name - 4) + 4


def entries(data: bytes) -> list[Entry]:
    """Of a list as current kernels write it: little-endian, and no entry of the template "ima"."""
    found, start = [], 0
    while start < len(data):
        template_data = data_of(data, Entry(start, start))
        end = template_data + number(data, template_data - 4)
        found.append(Entry(start, end))
        start = end
    return found


def fields(data: bytes, entry: Entry) -> list[bytes]:
    """Of its template data."""
    found, at = [], data_of(data, entry)
    while at < entry.end:
        length = number(data, at)
        found.append(data[at + 4:at + 4 + length])
        at += 4 + length
    return found


def write_ascii(binary: Path, text: Path) -> None:
    """The list as the kernel's ascii_runtime_measurements has it: templates with d-ng, n-ng, and bytes."""
    data = binary.read_bytes()
    with open(text, "wb") as out:
        for entry in entries(data):
            name = name_of(entry)
            digest, path, *more = fields(data, entry)
            algorithm, _, value = digest.partition(b"\0")
            shown = [algorithm + value.hex().encode(), path.rstrip(b"\0"), *(one.hex().encode() for one in more)]
            out.write(b" ".join([b"%2d" % number(data, entry.start), data[entry.start + 4:name - 4].hex().encode(),
                                 data[name:name + number(data, name - 4)], *shown]) + b"\n")


@dataclass(frozen=True)
class List:
    log: Path
    # As tpm2_pcrread prints them
    pcrs: Path

    def evmctl_pcrs(self, bank: str) -> Path:
        """A bank's values as evmctl reads them; mklog writes them."""
        return self.pcrs.with_name(f"evmctl-{bank}")


def _written(folder: Path, *argv: str | Path) -> List:
    subprocess.run(argv, stdin=subprocess.DEVNULL, check=True)
    return List(folder / "log", folder / "pcrread")


def short(verifier: Verifier, folder: Path, banks: int = 2) -> List:
    """A list with each common template, a violation, records and a kexec, of the first @banks of lab.tpm.BANKS."""
    return _written(folder, verifier.mklog, folder, str(banks))


def long(verifier: Verifier, folder: Path, like: Path, count: int, every: int = 0, banks: int = 2) -> List:
    """
    A list of @count entries like those of the list @like, with a record after every @every, or none.

    One entry more is in folder/next, and the values after it in folder/pcrread.next.
    """
    return _written(folder, verifier.mklog, folder, str(banks), str(count), like, str(every))


def story(verifier: Verifier, folder: Path) -> List:
    """A list with an example of everything that a report distinguishes."""
    return _written(folder, verifier.program("write_story"), folder / "log", folder / "pcrread")
