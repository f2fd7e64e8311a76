# SPDX-License-Identifier: GPL-2.0-only
"""The program that prints a TPM's increments says when a TPM counts otherwise. It needs no kernel, only swtpm."""

import os
import pty
import select
import socket
import struct
import subprocess
import threading
import time
import tty
from pathlib import Path

import pytest

from lab.paths import SELFTESTS

pytestmark = pytest.mark.check

PCR_EXTEND = 0x182


def transact(tpm: socket.socket, command: bytes) -> bytes:
    tpm.sendall(command)
    answer = b""
    while len(answer) < 10 or len(answer) < struct.unpack(">I", answer[2:6])[0]:
        answer += tpm.recv(4096)
    return answer


def serve(device: int, tpm: socket.socket, extends: int, done: threading.Event) -> None:
    """Be the device between the program and the TPM, which executes each extend so many times."""
    while not done.is_set():
        if not select.select([device], [], [], 0.1)[0]:
            continue
        command = os.read(device, 4096)
        answer = transact(tpm, command)
        if struct.unpack(">I", command[6:10])[0] == PCR_EXTEND:
            for _ in range(extends - 1):
                transact(tpm, command)
        os.write(device, answer)


def build(folder: Path) -> Path:
    program = folder / "increments"
    subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", program, SELFTESTS / "increments.c",
                    SELFTESTS / "tpm2.c"], check=True)
    return program


def increments(folder: Path, banks: str, *options: str, extends: int = 1) -> subprocess.CompletedProcess:
    program = build(folder)
    subprocess.run(["swtpm_setup", "--tpm2", "--tpmstate", folder, "--pcr-banks", banks], check=True, stdout=subprocess.DEVNULL)
    address = folder / "socket"
    with subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}", "--server",
                           f"type=unixio,path={address}", "--flags", "not-need-init,startup-clear"]) as swtpm:
        try:
            for _ in range(300):
                if address.exists():
                    break
                time.sleep(0.1)
            with socket.socket(socket.AF_UNIX) as tpm:
                tpm.connect(str(address))
                device, end = pty.openpty()
                tty.setraw(end)
                done = threading.Event()
                server = threading.Thread(target=serve, args=(device, tpm, extends, done))
                server.start()
                try:
                    return subprocess.run([program, "--device", os.ttyname(end), *options], check=False, text=True,
                                          stdout=subprocess.PIPE, timeout=120)
                finally:
                    done.set()
                    server.join()
                    os.close(device)
                    os.close(end)
        finally:
            swtpm.kill()


@pytest.mark.parametrize("banks", ["sha256", "sha1,sha256", "sha1,sha256,sha384,sha512"])
def test_libtpms_counts_as_the_account_expects(tmp_path: Path, banks: str) -> None:
    done = increments(tmp_path, banks, "--pcr", "15")
    print(done.stdout)
    assert done.returncode == 0
    assert "all increments are as the rule says" in done.stdout
    count = len(banks.split(","))
    assert f"TPM2_PCR_Event 15 {count} {count}" in " ".join(done.stdout.split())
    assert "manufacturer IBM" in " ".join(done.stdout.split())


def test_no_pcr_that_counts_is_extended_unless_asked_for(tmp_path: Path) -> None:
    done = increments(tmp_path, "sha256")
    assert done.returncode == 0
    assert "no PCR that counts was extended" in done.stdout
    assert {line.split()[-3] for line in done.stdout.splitlines() if line.startswith("TPM2_") and "refused" not in line} == {
        "none", "16"}


def test_tpm_that_counts_otherwise_is_found(tmp_path: Path) -> None:
    """Each extend counts twice, as it would if the TPM counted something else than digests."""
    done = increments(tmp_path, "sha1,sha256", "--pcr", "15", extends=2)
    print(done.stdout)
    assert done.returncode == 1
    assert "TPM2_PCR_Extend, a digest for each bank 15 2 4 differs" in " ".join(done.stdout.split())
    assert "4 increments differ from the rule" in done.stdout


@pytest.mark.parametrize("pcr", ["0", "10", "11", "24", "x", ""])
def test_pcrs_that_matter_are_refused(tmp_path: Path, pcr: str) -> None:
    program = build(tmp_path)
    assert subprocess.run([program, "--pcr", pcr, "--device", "/dev/null"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 2


def test_machine_without_a_tpm_is_no_failure(tmp_path: Path) -> None:
    program = build(tmp_path)
    assert subprocess.run([program, "--device", tmp_path / "none"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 4
