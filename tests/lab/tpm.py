# SPDX-License-Identifier: GPL-2.0-only
"""The software TPM, and the proxy that lets it fail."""

import subprocess
import sys
from pathlib import Path

from lab import proxy
from lab.ca import SwtpmCa
from lab.process import CannotRun, require, start_server, stop

BANKS = ("sha1", "sha256", "sha384", "sha512")
DEFAULT_BANKS = "sha1,sha256"


class Swtpm:
    """
    A running swtpm, as a context manager; control is the path of its control socket.

    @temp: an own folder with a short path, for the socket; @state: where the TPM's state is kept, in @temp if None. A
    state that is there is started from, and its banks are only changed if @banks says so. @ca: certifies the EKs
    of a new TPM 2.0.
    """

    def __init__(self, temp: Path, banks: str | None = None, tpm12: bool = False, state: Path | None = None,
                 ca: SwtpmCa | None = None):
        self.banks, self.tpm12, self.ca = banks, tpm12, ca
        self.state = Path(state or temp / "tpm").absolute()
        self.control = temp / "swtpm"
        # Is there when the TPM can be used
        self.socket = self.control
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "Swtpm":
        require("swtpm")
        require("swtpm_setup")
        try:
            self.state.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotRun(f"folder for the TPM's state: {self.state}: {error.strerror}") from None
        self.set_up()
        self.process = start_server(["swtpm", "socket", *self.version(), "--tpmstate", f"dir={self.state}",
                                     "--ctrl", f"type=unixio,path={self.control}", *self.service()],
                                    self.socket, "swtpm")
        return self

    def __exit__(self, *_exception) -> None:
        stop(self.process)

    def version(self) -> list[str]:
        return [] if self.tpm12 else ["--tpm2"]

    def service(self) -> list[str]:
        """QEMU hands over a socket for the commands, and closes it when the machine ends."""
        return ["--terminate"]

    def set_up(self) -> None:
        kept = (self.state / ("tpm-00.permall" if self.tpm12 else "tpm2-00.permall")).exists()
        if kept and not self.banks:
            return
        config = str(self.ca.config) if self.ca else "/dev/null"
        setup = ["swtpm_setup", *self.version(), "--config", config, "--tpm-state", str(self.state)]
        if not self.tpm12:
            setup += ["--pcr-banks", self.banks or DEFAULT_BANKS]
        if kept:
            setup += ["--reconfigure"]
        elif self.ca:
            setup += ["--create-ek-cert"]
        done = subprocess.run(setup, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        if done.returncode:
            raise CannotRun(f"swtpm_setup could not make a TPM in {self.state}:\n{done.stdout.strip()}")
        if self.ca and not kept:
            self.ca.collect()


class LocalTpm(Swtpm):
    """A running TPM 2.0 for programs of this machine, as often as they like; tcti is what tpm2-tss calls it."""

    def __init__(self, temp: Path, banks: str | None = None, state: Path | None = None, ca: SwtpmCa | None = None):
        super().__init__(temp, banks, state=state, ca=ca)
        self.socket = temp / "tpm.socket"
        # This is where tpm2-tss looks for it
        self.control = temp / "tpm.socket.ctrl"
        self.tcti = f"swtpm:path={self.socket}"

    def service(self) -> list[str]:
        return ["--server", f"type=unixio,path={self.socket}", "--flags", "startup-clear,not-need-init",
                "--log", f"file={self.socket.with_name('swtpm.log')}"]

    def __exit__(self, *exception) -> None:
        super().__exit__(*exception)
        self.socket.unlink(missing_ok=True)
        self.control.unlink(missing_ok=True)


class Proxy:
    """
    Stands between QEMU and a swtpm, as a context manager; control is the path of its control socket.

    The guest says in @out/faults what is to fail, and @out/commands gets the commands; see lab/proxy.py --help.
    """

    def __init__(self, temp: Path, swtpm: Path, out: Path):
        self.swtpm, self.out = swtpm, Path(out).absolute()
        self.control = temp / "proxy"
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "Proxy":
        self.process = start_server([sys.executable, proxy.__file__, "--listen", self.control, "--swtpm", self.swtpm,
                                     "--faults", self.out / "faults", "--log", self.out / "commands"],
                                    self.control, "the TPM's proxy")
        return self

    def __exit__(self, *_exception) -> None:
        stop(self.process)
