# SPDX-License-Identifier: GPL-2.0-only

from lab.arch import Arch

ARCH = Arch(
    name="arm64",
    kernel_arch="arm64",
    cross="aarch64-linux-gnu-",
    image="arch/arm64/boot/Image",
)
