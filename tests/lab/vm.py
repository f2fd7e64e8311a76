#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Boots a kernel in QEMU with a software TPM and runs a script in it.
# "scripts/vm --help" tells the rest. Python, not shell: the work here is
# time-outs, signals and the end of child processes.

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

TIMED_OUT = 124
GUEST_DIED = 125
CANNOT_RUN = 126

BANKS = ("sha1", "sha256", "sha384", "sha512")

HELP = """\
Boots a kernel in QEMU with a software TPM and runs a script in it as root.

The script runs once the system is up, and again after each kexec, with the
number of the boot in $BOOT (1, 2, ...). In the guest:
  /out          the folder of --out, shared with the host
  /boot         bzImage and initrd of the VM, and script; read-only
  /ramfs        a ramfs: IMA's policies measure what is read from it
  vm-kexec-load [PARAMETER...]
                loads bzImage and initrd for "kexec -e", with the same kernel
                command line and the PARAMETERs added
Beside these there are busybox, kexec-tools and tpm2-tools. What the guest
prints is in DIR/console.log.

Exit status: that of the script's last run; 124 when time ran out; 125 when the
guest panicked, or ended in another way before the script did; 126 when the VM
could not be run."""


class CannotRun(Exception):
    """The VM can't be run; the text says why and what to do."""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(CANNOT_RUN, f"vm run: {message}\n")


def parse_arguments():
    parser = Parser(prog="vm", description=HELP, usage="scripts/vm run [OPTION...] --script FILE --out DIR",
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["run"], help="the only one")
    parser.add_argument("--script", metavar="FILE", required=True, help="shell script to run in the guest")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder to share with the guest; made if missing")
    parser.add_argument("--base", metavar="BASE", default="6.12", help="kernel to build and boot (%(default)s)")
    parser.add_argument("--kernel", metavar="FILE", help="kernel (bzImage) to boot, instead of building one")
    parser.add_argument("--append", metavar="ARGS", default="", help="kernel parameters to add")
    parser.add_argument("--tpm", metavar="tis|crb|none|SOCKET", default="tis",
                        help="the TPM's interface (%(default)s), or no TPM, or the control socket of a running swtpm")
    parser.add_argument("--tpm12", action="store_true", help="a TPM 1.2 instead of 2.0")
    parser.add_argument("--tpm-state", metavar="DIR", help="keep the TPM's state there, and start from it if there is one")
    parser.add_argument("--faults", action="store_true",
                        help="let the TPM fail as the guest says in /out/faults, and log its commands in DIR/commands; "
                        "see scripts/tpm-proxy --help")
    parser.add_argument("--banks", metavar="BANKS", help="PCR banks that the TPM has on "
                        "(sha1,sha256, or what they are in a state that is there)")
    parser.add_argument("--smp", metavar="N", type=int, default=2, help="processors (%(default)s)")
    parser.add_argument("--mem", metavar="M", type=int, default=512, help="memory in MiB (%(default)s)")
    parser.add_argument("--plugin", metavar="FILE[,NAME=VALUE...]", help="a TCG plugin for QEMU to load; no KVM then")
    parser.add_argument("--qmp", metavar="SOCKET", help="let QEMU listen there for QMP")
    parser.add_argument("--timeout", metavar="S", type=float, default=300,
                        help="seconds from power-on until the VM is stopped (%(default)s)")
    args = parser.parse_args()

    args.external_tpm = args.tpm not in ("tis", "crb", "none")
    if args.external_tpm and "/" not in args.tpm and not os.path.exists(args.tpm):
        parser.error(f"--tpm {args.tpm}: not one of tis, crb and none, and no such socket")
    if args.tpm12 and args.tpm == "crb":
        parser.error("--tpm12: a TPM 1.2 has no CRB interface")
    if args.tpm12 and args.banks:
        parser.error("--tpm12: a TPM 1.2 has no banks to choose")
    if (args.external_tpm or args.tpm == "none") and (args.tpm12 or args.tpm_state or args.faults or args.banks):
        parser.error(f"--tpm12, --tpm-state, --faults and --banks are for the VM's own TPM, not for --tpm {args.tpm}")
    for bank in args.banks.split(",") if args.banks else ():
        if bank not in BANKS:
            parser.error(f"--banks: {bank!r} is none of {', '.join(BANKS)}")
    if args.smp < 1 or args.mem < 1 or args.timeout <= 0:
        parser.error("--smp, --mem and --timeout must be positive")
    return args


def start(command, **options):
    """Start a program that gets killed when this one ends, however that happens."""
    try:
        return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *command], stdin=subprocess.DEVNULL, **options)
    except FileNotFoundError:
        raise CannotRun("setpriv (package util-linux) is not installed") from None


def stop(process):
    if process:
        process.kill()
        process.wait()


def require(program):
    if not shutil.which(program):
        raise CannotRun(f"{program} is not installed; scripts/deps demo installs what is missing")


def build(script, *arguments):
    """Run a script that builds a file and prints its path."""
    command = ["setpriv", "--pdeathsig", "TERM", "--", os.path.join(HERE, script), *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise CannotRun(f"scripts/{script} failed")
    return done.stdout.strip()


def copy(source, target, what):
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise CannotRun(f"{what} {source}: {error.strerror}") from None


def socket_path(path):
    path = os.path.abspath(path)
    if len(os.fsencode(path)) > 107:
        raise CannotRun(f"{path}: too long for a socket's path (107 bytes)")
    return path


def quoted(path):
    """QEMU's option syntax: a comma in a value is doubled."""
    return path.replace(",", ",,")


def have_kvm():
    # A machine may offer /dev/kvm without hardware behind it (nested, paravirtual): it does not boot then.
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        return bool(re.search(r"^flags\s*:.*\b(vmx|svm)\b", cpuinfo.read(), re.M)) and \
            os.access("/dev/kvm", os.R_OK | os.W_OK)


def start_tpm(args, temp):
    """Start swtpm. Returns the process and the path of its control socket."""
    require("swtpm")
    require("swtpm_setup")
    version = [] if args.tpm12 else ["--tpm2"]
    state = os.path.abspath(args.tpm_state or os.path.join(temp, "tpm"))
    try:
        os.makedirs(state, exist_ok=True)
    except OSError as error:
        raise CannotRun(f"folder for the TPM's state: {state}: {error.strerror}") from None

    kept = os.path.exists(os.path.join(state, "tpm-00.permall" if args.tpm12 else "tpm2-00.permall"))
    setup = ["swtpm_setup", *version, "--config", "/dev/null", "--tpm-state", state]
    if not args.tpm12:
        setup += ["--pcr-banks", args.banks or "sha1,sha256"]
    if kept:
        setup += ["--reconfigure"]
    if not kept or args.banks:
        done = subprocess.run(setup, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise CannotRun(f"swtpm_setup could not make a TPM in {state}:\n{done.stdout.strip()}")

    control = os.path.join(temp, "swtpm")
    process = start(["swtpm", "socket", *version, "--tpmstate", f"dir={state}", "--ctrl", f"type=unixio,path={control}",
                     "--terminate"])
    return process, control


def wait_for_socket(path, process, name):
    while not os.path.exists(path):
        if process.poll() is not None:
            raise CannotRun(f"{name} ended with status {process.returncode}")
        signal.sigtimedwait([], 0.01)


def start_proxy(args, temp, swtpm):
    """Start the proxy that lets the TPM fail. Returns the process and the path of its control socket."""
    control = os.path.join(temp, "proxy")
    out = os.path.abspath(args.out)
    process = start([os.path.join(HERE, "tpm-proxy"), "--listen", control, "--swtpm", swtpm,
                     "--faults", os.path.join(out, "faults"), "--log", os.path.join(out, "commands")])
    wait_for_socket(control, process, "tpm-proxy")
    return process, control


def qemu_command(args, temp, tpm):
    boot, control = os.path.join(temp, "boot"), os.path.join(temp, "control")
    out = os.path.abspath(args.out)
    command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
               # identify_cpu() clears the processor's features for a moment. An interrupt that comes then finds 5-level
               # page tables off, and KASAN takes every address for a wild one.
               "-machine", "q35", "-cpu", "max,la57=off", "-smp", str(args.smp), "-m", str(args.mem)]
    if args.plugin:
        command += ["-plugin", args.plugin]
    elif have_kvm():
        command += ["-accel", "kvm"]
    # An emulated processor of a busy machine may be late for the kernel's test of its timer, and stand still for long
    command += ["-accel", "tcg,thread=multi",
                "-kernel", f"{boot}/bzImage", "-initrd", f"{boot}/initrd",
                "-append", "console=ttyS0 panic=-1 oops=panic no_timer_check "
                f"rcupdate.rcu_cpu_stall_timeout=300 {args.append}".strip(),
                "-serial", "file:" + os.path.join(out, "console.log")]
    for tag, path, mode in (("boot", boot, ",readonly=on"), ("out", out, ""), ("control", control, "")):
        command += ["-fsdev", f"local,id={tag},path={quoted(path)},security_model=none,multidevs=remap{mode}",
                    "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
    if tpm:
        command += ["-chardev", f"socket,id=tpm,path={quoted(tpm)}", "-tpmdev", "emulator,id=tpm0,chardev=tpm",
                    "-device", f"tpm-{'crb' if args.tpm == 'crb' else 'tis'},tpmdev=tpm0"]
    if args.qmp:
        command += ["-qmp", f"unix:{quoted(socket_path(args.qmp))},server=on,wait=off"]
    return command


def panic_line(console):
    """The kernel's line about its panic in the console's log, if there is one."""
    with open(console, encoding="utf-8", errors="replace") as log:
        for line in log:
            found = re.match(r"\[ *[0-9.]+\](\[[^]]*\])? (Kernel panic - .*)", line)
            if found:
                return found[2]
    return None


def script_status(control):
    """The number of boots of the VM, and the exit status of the last one's script, None if it has not ended."""
    boots = len(os.listdir(control))
    try:
        with open(os.path.join(control, f"boot-{boots}", "status"), encoding="ascii") as status:
            return boots, int(status.read())
    except (FileNotFoundError, ValueError):
        return boots, None


def run(args, temp):
    console = os.path.join(args.out, "console.log")
    for folder in ("boot", "control"):
        os.mkdir(os.path.join(temp, folder))
    copy(args.script, os.path.join(temp, "boot", "script"), "script")
    try:
        os.makedirs(args.out, exist_ok=True)
        with open(console, "w", encoding="utf-8"):
            pass
    except OSError as error:
        raise CannotRun(f"cannot write to the output folder: {error.filename}: {error.strerror}") from None
    require("qemu-system-x86_64")
    kernel = args.kernel or build("kernel", "--base", args.base)
    copy(kernel, os.path.join(temp, "boot", "bzImage"), "kernel")
    copy(build("initramfs"), os.path.join(temp, "boot", "initrd"), "initramfs")

    qemu = swtpm = proxy = None
    try:
        tpm = None
        if args.external_tpm:
            tpm = socket_path(args.tpm)
        elif args.tpm != "none":
            swtpm, tpm = start_tpm(args, temp)
            wait_for_socket(tpm, swtpm, "swtpm")
            if args.faults:
                proxy, tpm = start_proxy(args, temp, tpm)
        qemu = start(qemu_command(args, temp, tpm))
        try:
            status = qemu.wait(args.timeout)
        except subprocess.TimeoutExpired:
            print(f"vm: the guest was stopped after {args.timeout:g} s; its console is in {console}", file=sys.stderr)
            return TIMED_OUT
    finally:
        # Let no second signal interrupt this
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        stop(qemu)
        stop(proxy)
        stop(swtpm)

    boots, result = script_status(os.path.join(temp, "control"))
    panic = panic_line(console)
    if status and boots == 0:
        raise CannotRun(f"QEMU ended with status {status}")
    if panic:
        print(f"vm: the guest panicked in boot {boots or 1}: {panic}; its console is in {console}", file=sys.stderr)
        return GUEST_DIED
    if result is None:
        where = f"during boot {boots}'s script" if boots else "before the script ran"
        print(f"vm: the guest ended {where}, without a panic; its console is in {console}", file=sys.stderr)
        return GUEST_DIED
    return result


SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def end_on_signal(number, _frame):
    sys.exit(128 + number)


def main():
    args = parse_arguments()
    for number in SIGNALS:
        signal.signal(number, end_on_signal)
    # Short, for the sockets in it
    with tempfile.TemporaryDirectory(prefix="vm-", dir="/tmp") as temp:
        try:
            return run(args, temp)
        except CannotRun as error:
            print(f"vm: {error}", file=sys.stderr)
            return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main())
