# SPDX-License-Identifier: GPL-2.0-only
"""Hosts of a fleet that are virtual machines. Each has a software TPM whose EK is certified, and enrolls its AK."""

import contextlib
import shutil
from pathlib import Path
from typing import Self

from lab import arch as architectures
from lab import image, vm
from lab.ca import SwtpmCa
from lab.fleet import Fleet, until
from lab.host import HANDLE
from lab.paths import GUEST
from lab.process import CannotRun
from lab.tpm import Swtpm

# This machine, as QEMU's network calls it
HERE = "10.0.2.2"
# What tests/guest/fleet.sh waits for is there within this time, on a busy machine too
PATIENCE = 300


class VmHost:
    """Use as a context manager, in which the machine runs. @out is made anew; @kernel has a network."""

    def __init__(self, fleet: Fleet, name: str, out: Path, kernel: Path, ca: SwtpmCa):
        self.fleet, self.name, self.out, self.kernel, self.ca = fleet, name, out, kernel, ca
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        programs = [self.fleet.verifier.binary, self.fleet.program("agent")]
        image.add_programs(programs, self.out, architectures.get(architectures.DEFAULT_ARCH))
        (self.out / "options").write_text(f"--server nats://{HERE}:{self.fleet.port} --host {self.name} "
                                          f"--seed /out/host.seed --ak {HANDLE}\n", encoding="ascii")
        state = self.out / "tpm"
        state.mkdir()
        Swtpm(state, state=state, ca=self.ca).set_up()
        self.qemu, _ = self.stack.enter_context(vm.running(vm.Machine(
            self.kernel, self.out, GUEST / "fleet.sh", append=vm.TCB, tpm_state=state, network=True)))
        return self

    def __exit__(self, *exception) -> None:
        self.stack.__exit__(*exception)

    def check(self) -> None:
        if self.qemu.poll() is not None:
            raise CannotRun(f"the machine {self.name} ended; its console is in {self.out}/console.log")

    def got(self, name: str) -> Path:
        """Wait for a file that the guest writes."""
        def there() -> bool:
            self.check()
            return (self.out / name).exists()
        until(there, PATIENCE)
        return self.out / name

    def tell(self, what: str) -> None:
        """Let something happen that tests/guest/fleet.sh knows."""
        (self.out / what).touch()

    def challenge(self, *args: str | Path) -> None:
        answer = self.fleet.verifier.call("challenge", *args)
        if answer.status:
            raise CannotRun(f"{self.name} could not be enrolled: {answer.text}")

    def enroll(self) -> None:
        """Have the machine prove in which TPM its AK is, and add it to the fleet."""
        pending, enrolled = self.out / "pending.json", self.out / "enrolled.json"
        self.challenge("--request", self.got("request.json"), "--ca", self.ca.trusted, "--pending", pending,
                       "--out", self.out / "challenge.json")
        self.challenge("--answer", self.got("answer.json"), "--pending", pending, "--out", enrolled)
        self.fleet.add(self.name, enrolled, "--enrolled")
        # Complete as soon as the guest sees it
        shutil.copy(self.fleet.seed(self.name), self.out / "seed")
        (self.out / "seed").rename(self.out / "host.seed")
