# SPDX-License-Identifier: GPL-2.0-only
"""The verifier's library, called in this process."""

import ctypes
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent

BUFFER, FILE, PIPE = range(3)
HOW = {"buffer": BUFFER, "file": FILE, "pipe": PIPE}


class _Answer(ctypes.Structure):
    _fields_ = [("json", ctypes.c_void_p), ("json_len", ctypes.c_size_t),
                ("state", ctypes.c_void_p), ("state_len", ctypes.c_size_t)]


@dataclass(frozen=True)
class Answer:
    """What the library answered; @data is as driver.c writes it."""
    data: dict
    state: bytes | None

    @property
    def verdict(self) -> str:
        return self.data["verdict"]


def build(tools: Path, objects: Path) -> Path:
    """Build driver.c against the library of the source directory @tools, whose objects are in @objects."""
    made = objects / "model-driver.so"
    source, header, library = HERE / "driver.c", tools / "include" / "imatally.h", objects / "libimatally.so.0"
    if not made.exists() or made.stat().st_mtime < max(path.stat().st_mtime for path in (source, header, library)):
        fresh = made.with_suffix(f".{os.getpid()}")
        subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-fPIC",
                        "-shared", f"-I{tools / 'include'}", "-o", fresh, source, library,
                        f"-Wl,-rpath,{objects.resolve()}"], check=True)
        fresh.rename(made)
    return made


def _array(parts: Sequence[bytes]) -> tuple:
    return len(parts), (ctypes.c_char_p * len(parts))(*parts), (ctypes.c_size_t * len(parts))(*map(len, parts))


class Library:
    """A verifier to ask."""

    def __init__(self, path: Path):
        self._library = ctypes.CDLL(os.fspath(path))
        self._library.model_verify.argtypes = [
            ctypes.c_int, ctypes.c_size_t, ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_size_t),
            ctypes.c_char_p, ctypes.c_uint, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int,
            ctypes.c_size_t, ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(_Answer)]
        self._library.model_free.argtypes = [ctypes.POINTER(_Answer)]

    def verify(self, parts: Sequence[bytes], pcrs: str, *, how: int = BUFFER, ima_pcr: int = 10,
               counter: int | None = None, starts: tuple[int, int] | None = None, state: bytes | None = None, keep_state: bool = False,
               copy: Sequence[bytes] = ()) -> Answer:
        """
        Verify a list in @parts, of which there is a @copy, against @pcrs, text as tpm2_pcrread prints it. @starts: how
        often the TPM was reset and restarted, as in a quote.
        """
        found = _Answer()
        try:
            if self._library.model_verify(how, *_array(parts), pcrs.encode(), ima_pcr,
                                          -1 if counter is None else counter, *(starts or (-1, -1)), state, len(state or b""), keep_state,
                                          *_array(copy), ctypes.byref(found)):
                raise RuntimeError("the library could not be called")
            data = json.loads(ctypes.string_at(found.json, found.json_len))
            kept = ctypes.string_at(found.state, found.state_len) if found.state else None
        finally:
            self._library.model_free(ctypes.byref(found))
        return Answer(data, kept)
