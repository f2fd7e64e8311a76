# SPDX-License-Identifier: GPL-2.0-only

from lab.arch import Arch

ARCH = Arch(
    name="x86_64",
    kernel_arch="x86",
    image="arch/x86/boot/bzImage",
    debian="amd64",
    multiarch="x86_64-linux-gnu",
    qemu="qemu-system-x86_64",
    # identify_cpu() clears the processor's features for a moment. An interrupt that comes then finds 5-level page
    # tables off, and KASAN takes every address for a wild one.
    machine=("-machine", "q35", "-cpu", "max,la57=off"),
    kvm_flags=("vmx", "svm"),
    program_counter="RIP",
    console="ttyS0",
    # An emulated processor of a busy machine may be late for the kernel's test of its timer.
    # The watchdog of clocksources compares the TSCs of two processors, and can wait forever on 7.3: while the kernel
    # switches away from jiffies, all processors have interrupts disabled in stop_machine(), none of them answers, and
    # the time-out is measured in jiffies, which nobody counts. QEMU derives all TSCs from one clock, so there is nothing
    # to watch.
    append="no_timer_check tsc=reliable",
    tpm={"tis": "tpm-tis", "crb": "tpm-crb"},
    tpm12={"tis": "tpm-tis"},
    sleeps=True,
    limits_command_line=True,
)
