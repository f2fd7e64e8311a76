# SPDX-License-Identifier: GPL-2.0-only

from lab.arch import Arch

ARCH = Arch(
    name="ppc64le",
    kernel_arch="powerpc",
    cross="powerpc64le-linux-gnu-",
    defconfig="ppc64le_defconfig",
    image="vmlinux",
    deps="check-full",
)
