# SPDX-License-Identifier: GPL-2.0-only
"""A host without a kernel: a software TPM, measurement lists as a kernel on it would make them, and evidence of both."""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

from lab.ca import SwtpmCa
from lab.tpm import BANKS, LocalTpm
from lab.verifier import Answer, Verifier

NONCE = "00112233445566778899aabbccddeeff"
# Of an AK that the TPM keeps
HANDLE = "0x81010010"
# TPM2_PCR_Read of nothing, and where the counter is in its answer
READ_NOTHING = bytes.fromhex("8001" "0000000e" "0000017e" "00000000")
COUNTER = slice(10, 14)


class Host:
    """
    Use as a context manager. A new one is running, and no kernel has booted yet.

    @banks of its TPM are some first ones of lab.tpm.BANKS, or sha256 alone. @ca certifies its EKs.
    """

    def __init__(self, verifier: Verifier, folder: Path, banks: str = "sha1,sha256", ca: SwtpmCa | None = None):
        self.verifier, self.folder, self.banks = verifier, folder, banks
        self.ima = folder / "ima"
        self.extended = 0
        self.counter_at_boot = 0
        # Sockets want a short path
        self._temp = tempfile.TemporaryDirectory(prefix="host.")
        self.tpm = LocalTpm(Path(self._temp.name), banks, ca=ca)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tpm.__enter__()
        return self

    def __exit__(self, *exception) -> None:
        self.tpm.__exit__(*exception)
        self._temp.cleanup()

    # ---- The TPM

    def tool(self, name: str, *args: str | Path, **popen) -> bytes:
        """Run one of tpm2-tools."""
        done = subprocess.run([name, *args], cwd=self.folder, env={**os.environ, "TPM2TOOLS_TCTI": self.tpm.tcti},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **popen)
        assert done.returncode == 0, f"{name}: {done.stderr.decode(errors='replace')}"
        return done.stdout

    def counter(self) -> int:
        """pcrUpdateCounter."""
        return int.from_bytes(self.tool("tpm2_send", input=READ_NOTHING)[COUNTER], "big")

    def starts(self) -> list[str]:
        """resetCount and restartCount."""
        return re.findall(r"(?:reset|restart)_count: (\d+)", self.tool("tpm2_readclock").decode())

    def update_by_others(self) -> None:
        """Somebody extends a PCR that is not IMA's."""
        self.tool("tpm2_pcrextend", "11:sha256=" + "1".zfill(64))

    def power_cycle(self) -> None:
        """An orderly shutdown, and a start. Nothing runs then."""
        self.tool("tpm2_shutdown", "--clear")
        self.tpm.__exit__(None, None, None)
        self.tpm.banks = None
        self.tpm.__enter__()

    # ---- The kernel

    @property
    def nr_banks(self) -> int:
        """As write_boot has it: 0 is sha256 alone."""
        return 0 if self.banks == "sha256" else BANKS.index(self.banks.split(",")[-1]) + 1

    def write_list(self, log: Path, more: int | None = None) -> list[str]:
        """The list of the kernel that booted, with @more entries after its last record; returns all extends."""
        count = [] if more is None else [str(more)]
        return subprocess.run([self.verifier.program("write_boot"), log, str(self.nr_banks), str(self.counter_at_boot),
                               *self.starts_at_boot, *count], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
                              text=True).stdout.splitlines()

    def boot(self, more: int | None = None) -> None:
        """A kernel boots and measures, @more entries after its last record."""
        self.counter_at_boot, self.starts_at_boot = self.counter(), self.starts()
        self.extended = 0
        self.measure(more)

    def measure(self, more: int | None = None) -> None:
        """That kernel measures on, up to @more entries after its last record."""
        self.ima.mkdir(exist_ok=True)
        path, new = self.ima / "binary_runtime_measurements", self.folder / "list"
        extends = self.write_list(new, more)
        known, data = path.read_bytes() if self.extended else b"", new.read_bytes()
        if known and data.startswith(known):
            # Somebody may be reading it
            with open(path, "ab") as file:
                file.write(data[len(known):])
        else:
            path.write_bytes(data)
        if extends[self.extended:]:
            self.tool("tpm2_pcrextend", *extends[self.extended:])
        self.extended = len(extends)

    # ---- Evidence

    def must_create_ak(self, pem: str | Path, ak: str = HANDLE, *options: str) -> None:
        answer = self.create_ak(pem, ak, *options)
        assert answer.status == 0 and answer.says("AK"), answer.text

    def must_collect(self, out: str | Path, ak: str | Path = HANDLE, *options: str | Path, nonce: str = NONCE) -> Path:
        """Evidence in which the counter is attested; its folder."""
        answer = self.collect(out, ak, *options, nonce=nonce)
        assert answer.status == 0 and answer.says(f"^evidence in {out}: .*counter attested"), answer.text
        return self.folder / out

    def call(self, *args: str | Path, command: str = "collect") -> Answer:
        """Collect with this host's TPM, unless another one is named."""
        tcti = () if "--tcti" in args else ("--tcti", self.tpm.tcti)
        return self.verifier.call(command, *tcti, *args, cwd=self.folder)

    def enroll(self, *args: str | Path) -> Answer:
        return self.call(*args, command="enroll")

    def create_ak(self, pem: str | Path, ak: str, *options: str) -> Answer:
        return self.call("--create-ak", pem, "--ak", ak, *options)

    def collect(self, out: str | Path, ak: str | Path, *options: str | Path, nonce: str = NONCE) -> Answer:
        ima = () if "--ima" in options else ("--ima", "ima")
        return self.call(*ima, "--nonce", nonce, "--ak", ak, "--out", out, *options)

    def verify(self, evidence: str | Path, *options: str | Path, ak: str | Path = "ak.pem", nonce: str = NONCE) -> Answer:
        """What the verifier says of evidence; paths are from the host's folder."""
        return self.verifier.call("verify", "--evidence", evidence, "--ak", ak, "--nonce", nonce, *options,
                                  cwd=self.folder)


def checkquote(evidence: Path, ak: Path, nonce: str) -> subprocess.CompletedProcess:
    """What tpm2_checkquote says of the quote in evidence."""
    manifest = json.loads((evidence / "manifest.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("attest", "signature"):
            (folder / part).write_bytes(bytes.fromhex(manifest["quote"][part]))
        banks = manifest["pcrs"]
        (folder / "pcrs").write_bytes(b"".join(bytes.fromhex(bank["10"]) for bank in banks.values()))
        return subprocess.run(["tpm2_checkquote", "-u", ak, "-m", folder / "attest", "-s", folder / "signature", "-q", nonce,
                               "-F", "values", "-f", folder / "pcrs", "-l", "+".join(f"{bank}:10" for bank in banks)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)


def edit_manifest(evidence: Path, change: Callable[[dict], object]) -> None:
    """Have @change change the manifest of evidence, which it gets as a dictionary."""
    path = evidence / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def flipped(text: str, at: int) -> str:
    """Hexadecimal text with a bit changed in that digit."""
    return text[:at] + f"{int(text[at], 16) ^ 1:x}" + text[at + 1:]
