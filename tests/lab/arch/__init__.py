# SPDX-License-Identifier: GPL-2.0-only
"""
Architectures: one small file of facts each.

An architecture that boots in the lab says how QEMU runs it. One that is only compiled leaves that out.
"""

import importlib
import pkgutil
from dataclasses import dataclass, field
from pathlib import Path

# The one that is meant where none is named: it boots with the programs of this machine
DEFAULT_ARCH = "x86_64"


@dataclass(frozen=True)
class Arch:
    name: str
    # For the kernel's makefiles
    kernel_arch: str
    cross: str = ""
    defconfig: str = "defconfig"
    # Of the kernel, below its build directory
    image: str = ""

    # The target of scripts/deps that installs the compiler and QEMU
    deps: str = "demo"
    # Debian's names of its packages, and of the folder that its libraries are in
    debian: str = ""
    multiarch: str = ""

    # What runs a single program of that architecture on this machine
    emulator: str = ""

    # For QEMU; empty where the lab boots no such machine
    qemu: str = ""
    machine: tuple[str, ...] = ()
    # The host's processor flags that say that KVM has hardware behind it; none where the host can't have it
    kvm_flags: tuple[str, ...] = ()
    # QEMU's name of the register with the address of the next instruction
    program_counter: str = ""
    console: str = ""
    append: str = ""
    # QEMU's device for each interface of a TPM, and of a TPM 1.2
    tpm: dict[str, str] = field(default_factory=dict, hash=False)
    tpm12: dict[str, str] = field(default_factory=dict, hash=False)
    # Can the machine suspend to RAM?
    sleeps: bool = False
    # Does kexec_file_load() refuse a kernel command line that is too long?
    limits_command_line: bool = False

    def obj_of(self, image: Path) -> Path:
        """The build directory that a kernel's image is in."""
        return image.absolute().parents[len(Path(self.image).parts) - 1]


def get(name: str) -> Arch:
    return importlib.import_module(f"lab.arch.{name}").ARCH


def names() -> list[str]:
    """All that there are, the default first."""
    return sorted((module.name for module in pkgutil.iter_modules(__path__)), key=lambda name: (name != DEFAULT_ARCH, name))


def bootable() -> list[str]:
    """Those that boot in the lab."""
    return [name for name in names() if get(name).qemu]


def emulated() -> list[str]:
    """Those whose programs this machine can run in an emulator."""
    return [name for name in names() if get(name).emulator]
