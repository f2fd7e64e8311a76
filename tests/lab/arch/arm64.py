# SPDX-License-Identifier: GPL-2.0-only

from lab.arch import Arch

ARCH = Arch(
    name="arm64",
    kernel_arch="arm64",
    cross="aarch64-linux-gnu-",
    image="arch/arm64/boot/Image",
    deps="check",
    debian="arm64",
    multiarch="aarch64-linux-gnu",
    emulator="qemu-aarch64",
    qemu="qemu-system-aarch64",
    # The tables of an interrupt translation service (ITS) stay in use across a kexec, and only EFI's memory map would
    # keep the next kernel out of them. To emulate pointer authentication, which later processors have, takes long.
    machine=("-machine", "virt,gic-version=3,its=off", "-cpu", "cortex-a72"),
    program_counter="PC",
    console="ttyAMA0",
    tpm={"tis": "tpm-tis-device"},
)
