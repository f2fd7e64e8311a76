# SPDX-License-Identifier: GPL-2.0-only
"""
Notices that a machine stands still, and asks it why.

A machine makes progress when it prints, when a boot or a script begins or ends, when QEMU uses more processor time
than an idle guest takes, or when QEMU is ready to run but gets no processor. A guest that sleeps on purpose looks the
same as one that waits for an interrupt that never comes. Therefore it is asked and reported, and its run goes on. The
run ends early only where nothing sleeps on purpose, which is outside of the script, and only if the machine does not go
on after it was asked.
"""

import os
import re
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from lab.arch import Arch
from lab.qmp import Qmp, QmpError
from patchset.console import tail

# The share of one processor that an idle guest does not use up: it takes less than 0.01
IDLE = 0.05
# The share of the time in which the threads of a guest that computes are at least ready to run. On a busy host one that
# computes was seen to get 0.003 of a processor, and printed nothing for minutes.
READY = 0.5
# What the kernel is asked for by SysRq: blocked tasks, all tasks, timers, and what each processor does
KEYS = "wtql"
# The kernel's answer to one of them has ended when it prints nothing for so long
SILENCE = 1.5
LONGEST_ANSWER = 15

MONITOR = ("info status", "info lapic 0", "info lapic 1", "info pic", "info irq", "info tpm")


def processor_time(pid: int) -> float:
    """Seconds that a process has run, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waiting_time(pid: int) -> float:
    """Seconds that the threads of a process were ready to run, but got no processor, all of them together."""
    seconds = 0.0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            seconds += int((thread / "schedstat").read_text(encoding="ascii").split()[1]) / 1e9
        except (FileNotFoundError, ProcessLookupError):  # it has ended, or the host's kernel does not count this
            pass
    return seconds


def registers_of(qmp: Qmp) -> str:
    """Those of all processors, without what they compute numbers in."""
    lines = qmp.monitor("info registers -a").splitlines()
    return "".join(f"{line}\n" for line in lines if not re.match("(FCW|FPR|XMM|YMM|DR)", line))


def nearest_symbol(system_map: Path, address: int) -> str:
    """The function that a kernel's address is in, by the System.map of its build; the address without one."""
    best = None
    if system_map.exists():
        for line in system_map.read_text(encoding="ascii").splitlines():
            start, kind, name = line.split()
            if kind in "tTwW" and int(start, 16) <= address:
                best = (int(start, 16), name)
            elif int(start, 16) > address:
                break
    return f"{best[1]}+{address - best[0]:#x}" if best else f"{address:#x}"


def script_status(control: Path) -> tuple[int, int | None]:
    """The number of boots of the VM, and the exit status of the last one's script, None if it has not ended."""
    boots = len(list(control.iterdir()))
    try:
        return boots, int((control / f"boot-{boots}" / "status").read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return boots, None


@dataclass(frozen=True)
class Place:
    """How far a machine has come."""
    boot: int
    script_runs: bool

    def __str__(self) -> str:
        return f"in boot {self.boot}'s script" if self.script_runs else f"outside of a script in boot {self.boot}"


def place_of(console: str, boots: int, script_ended: bool) -> Place:
    """
    Where the machine is.

    @boots: the number of boots in which a script began; @script_ended: that of the last of these has ended
    """
    started = len(re.findall(r"\] Linux version ", console))
    left = len(re.findall("kexec_core: Starting new kernel", console))
    boot = max(started, left + 1, boots)
    return Place(boot, boot == boots and not script_ended)


class Watch:
    """
    Of one run of QEMU.

    @out: has its console.log, and gets "stalled"; @temp: has the guest's folder "control", and the sockets "qmp" and
    "console" that QEMU listens on; @patience: seconds without progress that are no reason to ask
    """

    def __init__(self, pid: int, out: Path, temp: Path, patience: float, system_map: Path, facts: Arch):
        self.pid, self.out, self.temp, self.patience = pid, out, temp, patience
        self.system_map, self.facts = system_map, facts
        self.console = out / "console.log"
        # Since it made progress
        self.asked = False
        self.mark()

    def seen(self) -> tuple:
        """What changes when the machine goes on."""
        return self.console.stat().st_size, sorted(str(path) for path in self.temp.glob("control/**/*"))

    def mark(self) -> None:
        """From here on it has to make progress."""
        self.since, self.before = time.monotonic(), self.seen()
        self.ran, self.waited = processor_time(self.pid), waiting_time(self.pid)

    def still_for(self) -> float:
        return time.monotonic() - self.since

    def stands_still(self) -> bool:
        """Has the machine made no progress for as long as it may? To be called about once a second."""
        ran, waited = processor_time(self.pid) - self.ran, waiting_time(self.pid) - self.waited
        if self.seen() != self.before or ran > IDLE * self.patience or ran + waited > READY * self.patience:
            self.asked = False
            self.mark()
        return self.still_for() > self.patience

    def place(self) -> Place:
        boots, status = script_status(self.temp / "control")
        return place_of(self.console.read_text(encoding="utf-8", errors="replace"), boots, status is not None)

    def report(self, why: str) -> str:
        """Ask, and write the answers to @out/stalled. Returns a sentence for people that begins with @why."""
        end = tail(self.console.read_text(encoding="utf-8", errors="replace"), 10)
        place = self.place()
        where, answers = self.ask()
        sentence = f"{why} {place}, {where}; see {self.out / 'stalled'}"
        with open(self.out / "stalled", "a", encoding="utf-8") as file:
            file.write(f"{sentence}\n\nThe end of its console:\n{end}\n\n{answers}\n")
        # What it prints now is an answer, no progress
        self.asked = True
        self.mark()
        return sentence

    def ask(self) -> tuple[str, str]:
        """Ask QEMU and the guest. Returns where the processors are, in a line, and all that was answered."""
        said = []
        pattern = rf"\b{self.facts.program_counter}[= ]([0-9a-f]+)"
        where = "QEMU does not say where"
        try:
            with Qmp(self.temp / "qmp") as qmp:
                registers = registers_of(qmp)
                where = ", ".join(f"CPU {cpu} at {nearest_symbol(self.system_map, int(address, 16))}"
                                  for cpu, address in enumerate(re.findall(pattern, registers)))
                said.append(f"(qemu) info registers -a\n{registers}")
                for command in MONITOR:
                    said.append(f"(qemu) {command}\n{qmp.monitor(command)}")
                for path in re.findall(r"^(/\S+)", qmp.monitor("info virtio"), re.M):
                    for command in (f"info virtio-status {path}", f"info virtio-queue-status {path} 0"):
                        said.append(f"(qemu) {command}\n{qmp.monitor(command)}")
                said.append(f"The guest's answer to SysRq {', '.join(KEYS)}:\n{self.press_keys(qmp) or 'none'}")
                said.append(f"(qemu) info registers -a, after SysRq\n{registers_of(qmp)}")
        except (QmpError, OSError) as error:
            said.append(f"{error}\n")
        return where, "\n".join(said)

    def press_keys(self, qmp: Qmp) -> str:
        """SysRq over the serial console: a break and the key. Returns what the guest prints."""
        printed = b""
        with socket.socket(socket.AF_UNIX) as serial:
            serial.connect(str(self.temp / "console"))
            serial.settimeout(SILENCE)
            for key in KEYS:
                qmp.execute("chardev-send-break", id="console")
                serial.sendall(key.encode())
                end = time.monotonic() + LONGEST_ANSWER
                try:
                    while (more := serial.recv(65536)) and time.monotonic() < end:
                        printed += more
                except TimeoutError:
                    pass
        return printed.decode(errors="replace").replace("\r\n", "\n")
