# SPDX-License-Identifier: GPL-2.0-only

from lab.arch import Arch

# Big-endian. Only the verifier is built for it.
ARCH = Arch(
    name="s390x",
    kernel_arch="s390",
    cross="s390x-linux-gnu-",
    deps="check-full",
    debian="s390x",
    multiarch="s390x-linux-gnu",
    emulator="qemu-s390x",
)
