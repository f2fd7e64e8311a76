# SPDX-License-Identifier: GPL-2.0-only
"""Debian as people run it: UEFI firmware, shim, GRUB, an initramfs, systemd, and a TPM with an EK certificate.

The system is that of lab.fresh with Debian's packages, written to a disk. The firmware measures what boots. Commands are
run over ssh. The machine reaches nothing but the ssh of this one.
"""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from lab import arch as architectures
from lab import fresh, verifier
from lab.built import digest, is_current
from lab.ca import SwtpmCa
from lab.paths import BUILD, GUEST
from lab.process import CannotRun, require, start, stop
from lab.tpm import Swtpm
from lab.vm import have_kvm
from patchset.console import REPORT_EVERY, run_long, say, tail
from patchset.lock import locked

# Debian's own kernel of base 6.12 in each suite
STOCK = {"bookworm": "linux-image-6.12-cloud-amd64", "trixie": "linux-image-cloud-amd64"}
PACKAGES = ("dbus", "efibootmgr", "grub-efi-amd64-signed", "initramfs-tools", "iproute2", "kexec-tools", "less", "libjansson4",
            "openssh-server", "procps", "shim-signed", "systemd-sysv", "tpm2-tools", "udev", "zstd")
FIRMWARE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
# Where the TPM has its AK
AK = "0x81010010"
DISK_MIB, ESP_MIB = 4096, 64
MEMORY_MIB = 2048
# Seconds from power-on, or from a kexec, until ssh answers; an emulated machine takes one to three minutes
BOOT_TIMEOUT = 900


def system(suite: str) -> Path:
    """A folder with Debian's system and its own kernel; made when it is not there."""
    folder = BUILD / "distro" / suite / "system"
    state, wanted = folder.with_name("state"), digest(STOCK[suite], *PACKAGES)
    with locked(folder):
        if is_current(folder, state, wanted):
            return folder
        say(f"a Debian with firmware takes 3 GB below {folder.parent}, and 10 to 30 minutes the first time")
        minimal = fresh.minimal(suite)
        state.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        run_long(f"copying the minimal {suite}", ["cp", "-a", "--reflink=auto", minimal, folder])
        for name in ("resolv.conf", "hosts"):
            shutil.copyfile(f"/etc/{name}", folder / "etc" / name)
        apt = ["apt-get", "--yes", "-o", "Dpkg::Options::=--force-unsafe-io"]
        environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
        run_long(f"updating the package list of {suite}", fresh.inside(folder, *apt, "update"))
        run_long(f"installing Debian's packages ({suite})", fresh.inside(
            folder, *environment, *apt, "install", "--no-install-recommends", *PACKAGES, STOCK[suite]))
        run_long(f"emptying apt's cache ({suite})", fresh.inside(folder, *apt, "clean"))
        state.write_text(wanted, encoding="ascii")
    return folder


def write_disk(suite: str, disk: Path, key: Path) -> None:
    """A disk with a partition for the firmware and one with the system, where @key.pub may log in as root."""
    folder = system(suite)
    ssh = folder / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(key.with_suffix(".pub"), ssh / "authorized_keys")
    shutil.copyfile(GUEST / "distro-setup.sh", folder / "root/setup.sh")
    subprocess.run(fresh.inside(folder, "sh", "/root/setup.sh"), check=True)
    with open(disk, "wb") as file:
        file.truncate(DISK_MIB << 20)
    table = f"label: gpt\nsize={ESP_MIB}MiB, type=uefi, name=ESP\ntype=linux, name=root\n"
    subprocess.run(["sfdisk", "--quiet", disk], input=table, text=True, check=True)
    esp, root = 1 << 20, (1 + ESP_MIB) << 20
    # The partition table's copy is at the end
    size = (DISK_MIB - ESP_MIB - 2) << 10
    fat = disk.with_name("esp")
    with open(fat, "wb") as file:
        file.truncate(ESP_MIB << 20)
    subprocess.run(["mformat", "-i", fat, "-F", "-v", "ESP", "::"], check=True)
    subprocess.run(["mcopy", "-i", fat, "-s", folder / "esp/EFI", "::"], check=True)
    subprocess.run(["dd", f"if={fat}", f"of={disk}", "bs=1M", f"seek={esp >> 20}", "conv=notrunc,sparse", "status=none"],
                   check=True)
    fat.unlink()
    run_long(f"writing the disk ({suite})",
             ["mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-d", folder, "-E", f"offset={root}", disk, f"{size}k"])


class Distro:
    """
    A running machine, as a context manager; what it leaves comes to @out.

    Its TPM and its disk are new. @ca.trusted has the certificates of the CA that certified the TPM's EK.
    """

    def __init__(self, suite: str, out: Path):
        self.suite, self.out = suite, out
        self.disk, self.key, self.console = out / "disk", out / "key", out / "console.log"
        self._temp = tempfile.TemporaryDirectory(prefix="vm-", dir="/tmp")
        self.temp = Path(self._temp.name)
        self.ca = SwtpmCa(self.temp / "ca")
        self.tpm = Swtpm(self.temp, state=self.temp / "tpm", ca=self.ca)
        self.qemu: subprocess.Popen | None = None
        self.port = 0

    def __enter__(self) -> Self:
        require("sfdisk", "check-distro")
        require("mformat", "check-distro")
        if not FIRMWARE.exists():
            raise CannotRun(f"{FIRMWARE} is not there; scripts/deps check-distro installs it")
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        write_disk(self.suite, self.disk, self.key)
        shutil.copyfile(VARIABLES, self.out / "variables")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        try:
            self.tpm.__enter__()
            self.qemu = start(self.argv())
            self.wait_for_boot("")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception) -> None:
        stop(self.qemu)
        self.tpm.__exit__()
        self._temp.cleanup()
        self.disk.unlink(missing_ok=True)

    def argv(self) -> list[str]:
        facts = architectures.get(architectures.DEFAULT_ARCH)
        return [facts.qemu, "-nodefaults", "-no-user-config", "-display", "none", *facts.machine, "-smp", "2",
                "-m", str(MEMORY_MIB), "-accel", "kvm" if have_kvm(facts) else "tcg,thread=multi",
                "-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE}",
                "-drive", f"if=pflash,format=raw,file={self.out}/variables",
                "-drive", f"if=virtio,format=raw,cache=unsafe,file={self.disk}",
                "-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22",
                "-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci",
                "-chardev", f"file,id=console,path={self.console}", "-serial", "chardev:console",
                "-chardev", f"socket,id=tpm,path={self.tpm.control}", "-tpmdev", "emulator,id=tpm0,chardev=tpm",
                "-device", f"{facts.tpm['crb']},tpmdev=tpm0"]

    def ssh(self, *argv: str, program: str = "ssh", timeout: float = 600, **popen) -> subprocess.CompletedProcess:
        options = ["-i", str(self.key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                   "-o", "BatchMode=yes", "-o", "ConnectTimeout=60", "-o", "ServerAliveInterval=15",
                   "-P" if program == "scp" else "-p", str(self.port)]
        return subprocess.run([program, *options, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", timeout=timeout, check=False, **popen)

    def run(self, command: str, timeout: float = 600) -> subprocess.CompletedProcess:
        """Run a shell command as root."""
        return self.ssh("root@127.0.0.1", command, timeout=timeout)

    def call(self, command: str, timeout: float = 600) -> str:
        """What a command prints that has to succeed."""
        done = self.run(command, timeout)
        assert done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout}"
        return done.stdout

    def copy(self, source: str, target: str) -> None:
        """As scp does it: a path of the machine begins with a colon."""
        paths = [f"root@127.0.0.1{path}" if path.startswith(":") else path for path in (source, target)]
        done = self.ssh("-r", *paths, program="scp")
        assert done.returncode == 0, done.stdout

    def boot_id(self) -> str:
        """Of the boot that is up and running; empty if none is."""
        try:
            done = self.run("systemctl is-system-running --wait >/dev/null; cat /proc/sys/kernel/random/boot_id", timeout=300)
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    def wait_for_boot(self, before: str) -> None:
        """Until another boot than @before is up."""
        began = said = time.monotonic()
        say(f"booting {self.suite}")
        while not (now := self.boot_id()) or now == before:
            elapsed = time.monotonic() - began
            if self.qemu and self.qemu.poll() is not None:
                raise CannotRun(f"QEMU ended with status {self.qemu.returncode}")
            if elapsed > BOOT_TIMEOUT:
                raise CannotRun(f"{self.suite} did not boot in {BOOT_TIMEOUT} s; the end of {self.console}:\n"
                                f"{tail(self.console.read_text(encoding='utf-8', errors='replace'))}")
            if time.monotonic() - said > REPORT_EVERY:
                said = time.monotonic()
                say(f"booting {self.suite}: running for {elapsed:.0f} s (console in {self.console})")
            time.sleep(2)

    def restart(self, command: str) -> None:
        """Run a command that starts the machine anew, and wait for the next boot."""
        before = self.boot_id()
        self.run(command)
        self.wait_for_boot(before)

    # ---- What people do with it

    def install(self, path: Path) -> None:
        """Install a package with apt, from its file."""
        self.copy(str(path), f":/root/{path.name}")
        self.call(f"DEBIAN_FRONTEND=noninteractive apt-get --yes install /root/{path.name}")

    def enroll(self) -> Path:
        """The file of the AK, which the TPM has."""
        pending, enrolled = self.out / "pending", self.out / "enrolled.json"
        self.call(f"imatally enroll --ak {AK} --out request.json")
        self.fetch("request.json")
        self.verifier("challenge", "--request", self.out / "request.json", "--ca", self.ca.trusted, "--pending", pending,
                      "--out", self.out / "challenge.json")
        self.copy(str(self.out / "challenge.json"), ":challenge.json")
        self.call(f"imatally enroll --ak {AK} --activate challenge.json --out answer.json")
        self.fetch("answer.json")
        self.verifier("challenge", "--answer", self.out / "answer.json", "--pending", pending, "--out", enrolled)
        return enrolled

    def verifier(self, *args: str | Path) -> None:
        """A command outside of the machine, which has to succeed."""
        answer = verifier.call(*args)
        assert answer.status == 0, answer.text

    def fetch(self, name: str) -> Path:
        self.copy(f":{name}", str(self.out / name))
        return self.out / name

    def collect(self, nonce: str, name: str) -> Path:
        self.call(f"imatally collect --ak {AK} --nonce {nonce} --out {name}")
        return self.fetch(name)
