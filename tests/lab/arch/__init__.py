# SPDX-License-Identifier: GPL-2.0-only
"""
Architectures: one small file of facts each.

An architecture that boots in the lab says how QEMU runs it. One that is only compiled leaves that out.
"""

import importlib
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Arch:
    name: str
    # For the kernel's makefiles
    kernel_arch: str
    cross: str = ""
    defconfig: str = "defconfig"
    # Of the kernel, below its build directory
    image: str = ""
    # The fragment in tests/configs that a kernel for the VM starts from
    config: str = ""

    # For QEMU; empty where the lab boots no such machine
    qemu: str = ""
    machine: tuple[str, ...] = ()
    # The host's processor flags that say that KVM has hardware behind it
    kvm_flags: tuple[str, ...] = ()
    console: str = ""
    append: str = ""
    # QEMU's device for each interface of a TPM, and of a TPM 1.2
    tpm: dict[str, str] = field(default_factory=dict)
    tpm12: dict[str, str] = field(default_factory=dict)


def get(name: str) -> Arch:
    return importlib.import_module(f"lab.arch.{name}").ARCH
