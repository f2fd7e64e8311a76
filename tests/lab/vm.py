# SPDX-License-Identifier: GPL-2.0-only
"""Boots a kernel in QEMU with a software TPM and runs a script in it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import arch as architectures
from lab.image import initramfs
from lab.process import CannotRun, require, socket_path, start, stop
from lab.tpm import BANKS, Proxy, Swtpm
from lab.watch import Watch, script_status
from patchset.console import tail

# Kernel parameters: IMA measures as distributions have it, and makes records
TCB = "ima_policy=tcb ima_policy=critical_data"

# A result's status, if it is not that of the script
TIMED_OUT = 124
GUEST_DIED = 125

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class StoodStill(UserWarning):
    """A machine made no progress for a while. Where this is not on purpose, it is a bug of somebody's."""


class BadMachine(CannotRun):
    """The machine that is asked for makes no sense; the text begins with the option's name."""


@dataclass
class Machine:
    kernel: Path
    # A folder to share with the guest, made if it is missing. Gets console.log.
    out: Path
    # What to run in the guest: a file, or a text
    script: Path | str
    append: str = ""
    # An interface that the architecture has, its first one if empty; or "none", or the control socket of a swtpm that
    # somebody else runs
    tpm: str = ""
    tpm12: bool = False
    # Keep the TPM's state there, and start from it if there is one
    tpm_state: Path | None = None
    # "sha1,sha256" if None, or what they are in a state that is there
    banks: str | None = None
    smp: int = 2
    mem: int = 512
    # Let the TPM fail as the guest says in /out/faults, and log its commands in out/commands
    faults: bool = False
    # Give it a network card, if its kernel has a network, and with it a way to this machine's 127.0.0.1 as 10.0.2.2
    network: bool = False
    # A TCG plugin for QEMU, FILE[,NAME=VALUE...]; no KVM then
    plugin: str | None = None
    # Where QEMU is to listen for QMP
    qmp: Path | None = None
    # Seconds from power-on until the VM is stopped
    timeout: float = 300
    # Seconds without progress after which the machine is asked where it stands
    patience: float = 30
    arch: str = architectures.DEFAULT_ARCH

    def __post_init__(self) -> None:
        self.tpm = self.tpm or next(iter(self.facts.tpm))

    @property
    def facts(self) -> architectures.Arch:
        return architectures.get(self.arch)

    @property
    def has_own_tpm(self) -> bool:
        return self.tpm in self.facts.tpm

    def check(self) -> None:
        if not self.has_own_tpm and self.tpm != "none" and "/" not in self.tpm and not os.path.exists(self.tpm):
            raise BadMachine(f"--tpm {self.tpm}: not one of {', '.join(self.facts.tpm)} and none, and no such socket")
        if self.tpm12 and self.has_own_tpm and self.tpm not in self.facts.tpm12:
            raise BadMachine(f"--tpm12: a TPM 1.2 has no {self.tpm.upper()} interface on {self.arch}")
        if self.tpm12 and self.banks:
            raise BadMachine("--tpm12: a TPM 1.2 has no banks to choose")
        if not self.has_own_tpm and (self.tpm12 or self.tpm_state or self.faults or self.banks):
            raise BadMachine("--tpm12, --tpm-state, --faults and --banks are for the VM's own TPM, "
                             f"not for --tpm {self.tpm}")
        for bank in self.banks.split(",") if self.banks else ():
            if bank not in BANKS:
                raise BadMachine(f"--banks: {bank!r} is none of {', '.join(BANKS)}")
        if self.smp < 1 or self.mem < 1 or self.timeout <= 0 or self.patience <= 0:
            raise BadMachine("--smp, --mem, --timeout and --patience must be positive")
        if isinstance(self.script, Path):
            try:
                self.script.open("rb").close()
            except OSError as error:
                raise CannotRun(f"script {self.script}: {error.strerror}") from None


@dataclass(frozen=True)
class Result:
    # That of the script's last run, TIMED_OUT or GUEST_DIED
    status: int
    boots: int
    console: Path
    # Why the status is not that of the script; empty if it is
    said: str = ""
    # Where the machine stood still, a sentence for each time
    stood: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For somebody who expected another status."""
        said = self.said or f"the guest's script ended with status {self.status}"
        return "\n".join([said, *self.stood, tail(self.console.read_text(encoding="utf-8", errors="replace"))])


def copy(source: Path, target: Path, what: str) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise CannotRun(f"{what} {source}: {error.strerror}") from None


def quoted(path: Path | str) -> str:
    """QEMU's option syntax: a comma in a value is doubled."""
    return str(path).replace(",", ",,")


def have_kvm(facts: architectures.Arch) -> bool:
    # A machine may offer /dev/kvm without hardware behind it (nested, paravirtual): it does not boot then
    if not facts.kvm_flags:
        return False
    flags = "|".join(facts.kvm_flags)
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    return bool(re.search(rf"^flags\s*:.*\b({flags})\b", cpuinfo, re.M)) and os.access("/dev/kvm", os.R_OK | os.W_OK)


def qemu_argv(machine: Machine, temp: Path, tpm: Path | str | None) -> list[str]:
    facts = machine.facts
    out = machine.out.absolute()
    argv = [facts.qemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            *facts.machine, "-smp", str(machine.smp), "-m", str(machine.mem)]
    if machine.plugin:
        argv += ["-plugin", machine.plugin]
    elif have_kvm(facts):
        argv += ["-accel", "kvm"]
    # An emulated processor of a busy machine may stand still for long
    parameters = ["panic=-1", "oops=panic", "rcupdate.rcu_cpu_stall_timeout=300", facts.append, machine.append]
    argv += ["-accel", "tcg,thread=multi", "-kernel", f"{temp}/boot/kernel", "-initrd", f"{temp}/boot/initrd",
             "-append", " ".join([f"console={facts.console}", *filter(None, parameters)]),
             # Sockets for the watch: it connects to them when the machine stands still
             "-chardev", f"socket,id=console,path={temp}/console,server=on,wait=off,"
             f"logfile={quoted(out)}/console.log,logappend=off", "-serial", "chardev:console",
             "-qmp", f"unix:{temp}/qmp,server=on,wait=off"]
    for tag, path, mode in (("boot", temp / "boot", ",readonly=on"), ("out", out, ""),
                            ("control", temp / "control", "")):
        argv += ["-fsdev", f"local,id={tag},path={quoted(path)},security_model=none,multidevs=remap{mode}",
                 "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
    if tpm:
        devices = facts.tpm12 if machine.tpm12 else facts.tpm
        device = devices.get(machine.tpm) or next(iter(devices.values()))
        argv += ["-chardev", f"socket,id=tpm,path={quoted(tpm)}", "-tpmdev", "emulator,id=tpm0,chardev=tpm",
                 "-device", f"{device},tpmdev=tpm0"]
    if machine.network:
        argv += ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]
    if machine.qmp:
        argv += ["-qmp", f"unix:{quoted(socket_path(machine.qmp))},server=on,wait=off"]
    return argv


def panic_line(console: Path) -> str | None:
    """The kernel's line about its panic in the console's log, if there is one."""
    with open(console, encoding="utf-8", errors="replace") as log:
        for line in log:
            found = re.match(r"\[ *[0-9.]+\](\[[^]]*\])? (Kernel panic - .*)", line)
            if found:
                return found[2]
    return None


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no signal interrupt this."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def power(machine: Machine, temp: Path) -> Iterator[subprocess.Popen]:
    """The running QEMU, with a TPM."""
    with contextlib.ExitStack() as parts:
        tpm: Path | str | None = None
        if machine.has_own_tpm:
            tpm = parts.enter_context(Swtpm(temp, machine.banks, machine.tpm12, machine.tpm_state)).control
            if machine.faults:
                tpm = parts.enter_context(Proxy(temp, tpm, machine.out)).control
        elif machine.tpm != "none":
            tpm = socket_path(machine.tpm)
        qemu = start(qemu_argv(machine, temp, tpm))
        try:
            yield qemu
        finally:
            with uninterrupted():
                stop(qemu)
                parts.close()


@contextlib.contextmanager
def running(machine: Machine) -> Iterator[tuple[subprocess.Popen, Path]]:
    """QEMU, and its own folder; raises CannotRun if it can't be run. It runs until it ends, or the caller is done."""
    machine.check()
    # Short, for the sockets in it
    with tempfile.TemporaryDirectory(prefix="vm-", dir="/tmp") as name:
        temp = Path(name)
        share(machine, temp)
        with power(machine, temp) as qemu:
            yield qemu, temp


def share(machine: Machine, temp: Path) -> None:
    """Fill the folders that the guest shares."""
    for folder in ("boot", "control"):
        (temp / folder).mkdir()
    if isinstance(machine.script, str):
        (temp / "boot" / "script").write_text(machine.script, encoding="utf-8")
    else:
        copy(machine.script, temp / "boot" / "script", "script")
    try:
        machine.out.mkdir(parents=True, exist_ok=True)
        (machine.out / "console.log").write_bytes(b"")
        (machine.out / "stalled").unlink(missing_ok=True)
    except OSError as error:
        raise CannotRun(f"cannot write to the output folder: {error.filename}: {error.strerror}") from None
    require(machine.facts.qemu, machine.facts.deps)
    copy(machine.kernel, temp / "boot" / "kernel", "kernel")
    copy(initramfs(machine.arch), temp / "boot" / "initrd", "initramfs")


def run(machine: Machine) -> Result:
    """Run the script in the VM, once a boot; raises CannotRun if that can't be done."""
    console = machine.out / "console.log"
    with running(machine) as (qemu, temp):
        status, said, stood = wait_for_end(machine, temp, qemu)
        # Not before QEMU has ended: what the guest wrote last may come late
        stop(qemu)
        boots, result = script_status(temp / "control")
    if said:
        return Result(TIMED_OUT, boots, console, f"{said}; its console is in {console}", stood)
    panic = panic_line(console)
    if status and boots == 0:
        raise CannotRun(f"QEMU ended with status {status}")
    if panic:
        return Result(GUEST_DIED, boots, console,
                      f"the guest panicked in boot {boots or 1}: {panic}; its console is in {console}")
    if result is None:
        where = f"during boot {boots}'s script" if boots else "before the script ran"
        return Result(GUEST_DIED, boots, console,
                      f"the guest ended {where}, without a panic; its console is in {console}", stood)
    return Result(result, boots, console, stood=stood)


def wait_for_end(machine: Machine, temp: Path, qemu: subprocess.Popen) -> tuple[int, str, tuple[str, ...]]:
    """QEMU's exit status, or why it was not waited for any longer, and where the machine stood still."""
    watch = Watch(qemu.pid, machine.out, temp, machine.patience,
                  machine.facts.obj_of(machine.kernel) / "System.map", machine.facts)
    stood: list[str] = []
    end = time.monotonic() + machine.timeout
    while True:
        try:
            return qemu.wait(max(min(end - time.monotonic(), 1), 0)), "", tuple(stood)
        except subprocess.TimeoutExpired:
            pass
        if time.monotonic() >= end:
            stood.append(watch.report("the guest's time was up"))
            return 0, f"the guest was stopped after {machine.timeout:g} s", tuple(stood)
        if not watch.stands_still():
            continue
        if not watch.asked:
            stood.append(watch.report(f"the guest stood still for {watch.still_for():.0f} s"))
            warnings.warn(f"{machine.out}: {stood[-1]}", StoodStill, stacklevel=2)
        elif not watch.place().script_runs:
            return 0, "the guest stood still, and was stopped since it did not go on", tuple(stood)
