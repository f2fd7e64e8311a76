# SPDX-License-Identifier: GPL-2.0-only
"""Entries of a measurement list: how they are hashed, and how the kernel writes them, in binary and in ASCII."""

import functools
import hashlib
import struct
from dataclasses import dataclass, field, replace
from typing import Any

SHA1_SIZE = 20
# Fields of templates that the kernel shows in ASCII as digest, text or hexadecimal
DIGEST, TEXT, TXT, HEX, NUMBER = range(5)
SHOWN_AS = {"d-ng": DIGEST, "d-ngv2": DIGEST, "n-ng": TEXT, "txt": TXT, "buf": HEX, "sig": HEX, "evmsig": HEX,
            "xattrnames": TEXT, "xattrlengths": HEX, "xattrvalues": HEX, "iuid": NUMBER, "igid": NUMBER,
            "imode": NUMBER}
TEMPLATES = {"ima-ng": ("d-ng", "n-ng"), "ima-sig": ("d-ng", "n-ng", "sig"), "ima-buf": ("d-ng", "n-ng", "buf"),
             "ima-txt": ("d-ng", "n-ng", "txt"), "ima-ngv2": ("d-ngv2", "n-ng"), "ima-sigv2": ("d-ngv2", "n-ng", "sig"),
             "evm-sig": ("d-ng", "n-ng", "evmsig", "xattrnames", "xattrlengths", "xattrvalues", "iuid", "igid",
                         "imode"),
             "ima-cgpath": ("d-ng", "n-ng", "txt")}


LITTLE, BIG = "<", ">"


def joined(fields: tuple[bytes, ...], order: str = LITTLE) -> bytes:
    """The template data: what is hashed."""
    return b"".join(struct.pack(order + "I", len(one)) + one for one in fields)


@functools.lru_cache(maxsize=65536)
def digest_of(alg: str, data: bytes) -> bytes:
    return hashlib.new(alg, data).digest()


@dataclass(frozen=True)
class Wire:
    """An entry as it stands in a list."""
    pcr: int
    template: str
    fields: tuple[bytes, ...]
    # Zeroes in a violation
    digest: bytes
    # The byte order of numbers, as for struct
    order: str = LITTLE

    @classmethod
    def of(cls, pcr: int, template: str, fields: tuple[bytes, ...], violation: bool = False,
           order: str = LITTLE) -> "Wire":
        digest = bytes(SHA1_SIZE) if violation else digest_of("sha1", joined(fields, order))
        return cls(pcr, template, fields, digest, order)

    @property
    def data(self) -> bytes:
        return joined(self.fields, self.order)

    @property
    def is_violation(self) -> bool:
        return not any(self.digest)

    @property
    def name(self) -> bytes:
        return self.fields[1].rstrip(b"\0") if len(self.fields) > 1 else b""

    @property
    def key(self) -> bytes:
        """What is extended: two entries with the same key lead to the same PCR values."""
        return b"violation" if self.is_violation else self.data

    def extended(self, alg: str, size: int, known: bool) -> bytes:
        """What the kernel extends into a bank, whose hash it may not know."""
        if self.is_violation:
            return b"\xff" * size
        if known:
            return digest_of(alg, self.data)
        return digest_of("sha1", self.data)[:size].ljust(size, b"\0")

    def changed(self, **changes: Any) -> "Wire":
        """With other members, and the digest of the data that it has then."""
        made = replace(self, **changes)
        return made if self.is_violation or "digest" in changes else Wire.of(made.pcr, made.template, made.fields,
                                                                             order=made.order)

    def binary(self, digest_size: int = SHA1_SIZE) -> bytes:
        name, data, number = self.template.encode(), self.data, self.order + "I"
        return (struct.pack(number, self.pcr) + self.digest + struct.pack(number, len(name)) + name +
                struct.pack(number, len(data)) + data)

    def ascii(self) -> bytes:
        parts = [b"%2d" % self.pcr, self.digest.hex().encode(), self.template.encode()]
        for kind, one in zip(TEMPLATES[self.template], self.fields):
            if SHOWN_AS[kind] == DIGEST:
                name, _, value = one.partition(b"\0")
                parts.append(name + value.hex().encode())
            elif SHOWN_AS[kind] == TEXT:
                parts.append(one.split(b"\0")[0])
            elif SHOWN_AS[kind] == TXT:
                parts.append(b"".join(bytes((c,)) if 0x20 < c < 0x7f and c != 0x5c else b"\\x%02x" % c for c in one))
            elif SHOWN_AS[kind] == NUMBER:
                parts.append(b"%d" % int.from_bytes(one, "big" if self.order == BIG else "little"))
            else:
                parts.append(one.hex().encode())
        return b" ".join(parts) + b"\n"


def file_digest(content: bytes, alg: str = "sha256") -> bytes:
    """The field d-ng of a file or a buffer with this content."""
    return alg.encode() + b":\0" + digest_of(alg, content)


def no_digest(alg: str = "sha256") -> bytes:
    """The field d-ng of a violation."""
    return alg.encode() + b":\0" + bytes(hashlib.new(alg).digest_size)


def measured_name(name: bytes) -> bytes:
    """The field n-ng: the kernel replaces spaces before it hashes the name."""
    return name.replace(b" ", b"_") + b"\0"


def file_fields(template: str, digest: bytes, name: bytes, sig: bytes) -> tuple[bytes, ...]:
    """Of a file in a template, whose @digest is as in d-ng."""
    kinds = TEMPLATES[template]
    fields = {"d-ng": digest, "d-ngv2": b"ima:" + digest, "n-ng": measured_name(name), "sig": sig, "evmsig": sig,
              "xattrnames": b"security.ima|security.selinux\0", "xattrlengths": b"\4\0\0\0\2\0\0\0",
              "xattrvalues": b"\4\1\2\3\0x", "iuid": b"\0\0\0\0", "igid": b"\1\0\0\0", "imode": b"\xa4\x81"}
    return tuple(fields[kind] for kind in kinds)


def of_file(pcr: int, name: bytes, content: bytes, template: str = "ima-ng", sig: bytes = b"") -> Wire:
    return Wire.of(pcr, template, file_fields(template, file_digest(content), name, sig))


def of_violation(pcr: int, name: bytes, template: str = "ima-ng") -> Wire:
    return Wire.of(pcr, template, file_fields(template, no_digest(), name, b""), violation=True)


def of_buffer(pcr: int, name: bytes, content: bytes, template: str = "ima-buf") -> Wire:
    return Wire.of(pcr, template, (file_digest(content), measured_name(name), content))


@dataclass(frozen=True)
class Position:
    """A moment of the IMA PCR: after @count extends since its @epoch began with zero."""
    epoch: int
    count: int


@dataclass
class Facts:
    """What is true at the moment of a record, and which of it the record says."""
    event: str
    kernel: int
    position: Position
    text: bytes = b""
    # Entries of its kernel's list before it, deleted ones and those that were carried included
    before: tuple["Entry", ...] = ()
    carried: int = 0
    counter: int | None = None
    has_values: bool = False
    has_account: bool = True
    # `before`: None if the record lacks it
    started_at: Position | None = None
    resets: int | None = None
    failed: int = 0
    dropped: int = 0
    trimmed: int = 0
    # What really happened to the TPM since its kernel was booted
    true_others: int = 0
    true_behind: int = 0
    in_doubt: int = 0
    done_in_doubt: int = 0
    # How often firmware has started the TPM
    starts: int = 0
    # By how much others than IMA have moved the counter
    strayed: int = 0
    altered: bool = False
    # Does the TPM count as the kernel expects, and does the record say so?
    judged: bool = True


@dataclass(eq=False)
class Entry:
    """An entry that a kernel made."""
    wire: Wire
    kernel: int
    # When it was made, of all entries
    number: int
    # Where in the IMA PCR it went, if it is for that PCR and the TPM executed the extend
    position: Position | None = None
    executed: bool = False
    facts: Facts | None = None
    made_in_epoch: int = field(default=0)
    # Did user space have a kernel delete it?
    deleted: bool = False
