# SPDX-License-Identifier: GPL-2.0-only
"""scripts/vm: what its --help promises."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from lab import tpm
from lab.paths import TOP
from lab.qmp import Qmp
from patchset.console import dying_with_parent

pytestmark = [pytest.mark.check, pytest.mark.timeout(300)]

SLEEP = "echo >/out/started; sleep 1000"


def wait_for(condition, what):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail(f"in vain waited for {what}")


class Vm:
    """scripts/vm in an empty folder, with the guest's script in script and the folder to share in out."""

    def __init__(self, kernel, folder):
        self.folder, self.out = folder, folder / "out"
        self.argv = dying_with_parent([TOP / "scripts" / "vm", "--kernel", kernel, "--script", "script", "--out", "out",
                                       "--timeout", "60"])

    def guest(self, script):
        (self.folder / "script").write_text(script, encoding="ascii")

    def start(self, *args, **popen):
        return subprocess.Popen([*self.argv, *map(str, args)], cwd=self.folder, stdin=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, **popen)

    def run(self, *args, status=0):
        """Returns what it printed."""
        done = self.start(*args)
        _, printed = done.communicate()
        assert done.returncode == status, printed
        return printed

    def text(self, name):
        return (self.out / name).read_text(encoding="utf-8", errors="replace")

    def banks(self):
        return self.text("banks").split()


@pytest.fixture
def vm(kernel, tmp_path):
    return Vm(kernel.image, tmp_path)


@pytest.fixture
def short():
    """A folder whose name is as short as a socket in it needs."""
    with tempfile.TemporaryDirectory(prefix="vm-test.", dir="/tmp") as folder:
        yield Path(folder)


# ---- The script and its status

def test_status_0_and_shared_folder(vm):
    vm.out.mkdir()
    (vm.out / "greeting").write_text("hello\n", encoding="ascii")
    vm.guest("umask 077\n"
             "id -u >/out/uid\n"
             'echo "$BOOT" >/out/boot\n'
             "cat /out/greeting >/out/answer\n"
             "echo on the console\n")
    vm.run()
    assert (vm.text("uid"), vm.text("boot"), vm.text("answer")) == ("0\n", "1\n", "hello\n")
    assert re.search("^on the console", vm.text("console.log"), re.M)


def test_status_of_the_script(vm):
    vm.guest("exit 7")
    vm.run(status=7)


def test_timeout(vm):
    vm.guest(SLEEP)
    printed = vm.run("--timeout", 15, status=124)
    assert (vm.out / "started").exists()
    assert re.search(r"stopped after 15 s.*out/console\.log", printed)
    # Where it was
    assert re.search(r"in boot 1's script, CPU 0 at \w+\+0x[0-9a-f]+, CPU 1 at .*out/stalled", printed)


def test_panic(vm):
    vm.guest("echo c >/proc/sysrq-trigger")
    assert re.search("panicked in boot 1: .*sysrq triggered crash", vm.run(status=125))


def test_guest_ends_before_the_script(vm):
    vm.guest("reboot -f")
    assert "ended during boot 1's script, without a panic" in vm.run(status=125)


def test_no_init(vm):
    vm.guest("")
    assert "panicked in boot 1: " in vm.run("--append", "rdinit=/none", status=125)


# ---- kexec

def test_kexec(vm):
    vm.guest('echo "$BOOT" >>/out/boots\n'
             "cat /proc/cmdline >/out/cmdline\n"
             '[ "$BOOT" = 2 ] && exit 9\n'
             "vm-kexec-load vm.test=2 && kexec -e\n")
    vm.run("--append", "vm.test=1", status=9)
    assert vm.text("boots") == "1\n2\n"
    assert vm.text("cmdline").endswith(" vm.test=1 vm.test=2\n")


def test_panic_after_kexec(vm):
    vm.guest('[ "$BOOT" = 2 ] && echo c >/proc/sysrq-trigger\n'
             "vm-kexec-load && kexec -e\n")
    assert "panicked in boot 2: " in vm.run(status=125)


# ---- The machine

def test_size_and_parameters(vm):
    vm.guest("nproc >/out/nproc\n"
             "cat /proc/meminfo >/out/meminfo\n"
             "cat /proc/cmdline >/out/cmdline\n")
    vm.run("--smp", 3, "--mem", 300, "--append", "vm.a=1 vm.b=2")
    assert vm.text("nproc") == "3\n"
    assert re.search("^MemTotal: *2[0-9]{5} kB", vm.text("meminfo"), re.M)
    assert vm.text("cmdline").endswith(" vm.a=1 vm.b=2\n")


def test_tpm_none(vm):
    vm.guest("ls /sys/class/tpm >/out/tpms")
    vm.run("--tpm", "none")
    assert vm.text("tpms") == ""


LIST_BANKS = "ls /sys/class/tpm/tpm0 | grep ^pcr- >/out/banks\n"


def test_tpm_tis_with_default_banks(vm):
    vm.guest(f"{LIST_BANKS} tpm2_pcrread sha1:10+sha256:10 >/out/pcrs")
    vm.run()
    assert vm.banks() == ["pcr-sha1", "pcr-sha256"]
    assert re.search("10: *0x[0-9A-F]{64}$", vm.text("pcrs"), re.M)


def test_tpm_crb_with_one_bank(vm):
    vm.guest(f'{LIST_BANKS} basename "$(readlink /sys/class/tpm/tpm0/device/driver)" >/out/driver')
    vm.run("--tpm", "crb", "--banks", "sha384")
    assert vm.text("driver").startswith("tpm_crb")
    assert vm.banks() == ["pcr-sha384"]


def test_tpm12(vm):
    vm.guest("cat /sys/class/tpm/tpm0/tpm_version_major >/out/version")
    vm.run("--tpm12")
    assert vm.text("version") == "1\n"


def test_tpm_state_is_kept(vm):
    vm.guest("tpm2_nvdefine -Q -C o -s 5 0x1500001 && echo -n fresh | tpm2_nvwrite -C o -i - 0x1500001")
    vm.run("--tpm-state", "state", "--banks", "sha256")
    vm.guest(f"{LIST_BANKS} tpm2_nvread -C o 0x1500001 >/out/nv")
    vm.run("--tpm-state", "state")
    assert (vm.text("nv"), vm.banks()) == ("fresh", ["pcr-sha256"])
    vm.run("--tpm-state", "state", "--banks", "sha1,sha256")
    assert (vm.text("nv"), vm.banks()) == ("fresh", ["pcr-sha1", "pcr-sha256"])


def test_tpm_of_somebody_else(vm, short):
    vm.guest(LIST_BANKS)
    with tpm.Swtpm(short, banks="sha512") as swtpm:
        vm.run("--tpm", swtpm.control)
    assert vm.banks() == ["pcr-sha512"]


def test_qmp(vm, short):
    vm.guest("while ! [ -e /out/go ]; do sleep 0.1; done")
    run = vm.start("--qmp", short / "qmp")
    wait_for((short / "qmp").exists, "QMP")
    with Qmp(short / "qmp") as qmp:
        assert qmp.execute("query-status")["status"] == "running"
    (vm.out / "go").touch()
    assert run.wait() == 0


def test_two_at_once(vm):
    vm.guest("me=$(sed 's/.* vm.me=//' /proc/cmdline)\n"
             'touch "/out/$me"\n'
             "while ! [ -e /out/1 -a -e /out/2 ]; do sleep 0.1; done\n"
             'exit "$me"\n')
    run = vm.start("--append", "vm.me=1")
    vm.run("--append", "vm.me=2", status=2)
    assert run.wait() == 1


# ---- One that stands still

def test_sleeping_machine_is_asked_and_goes_on(vm):
    vm.guest("sleep 25; echo >/out/slept")
    printed = vm.run("--patience", 10)
    assert (vm.out / "slept").exists()
    assert re.search(r"stood still for 1\d s in boot 1's script, CPU 0 at .*out/stalled", printed)
    stalled = vm.text("stalled")
    # By QEMU: is it running, where are the processors, what became of the folders' queues?
    assert "VM status: running" in stalled
    assert len(re.findall(r"^RIP=", stalled, re.M)) >= 2
    assert "last_avail_idx" in stalled
    # By the guest: which tasks are there?
    assert re.search(r"sysrq: Show Blocked State", stalled)
    assert re.search(r"task:sleep ", stalled)


def test_computing_machine_is_not_asked(vm):
    vm.guest("end=$(($(cut -d. -f1 /proc/uptime) + 20)); while [ $(cut -d. -f1 /proc/uptime) -lt $end ]; do :; done")
    assert "stood still" not in vm.run("--patience", 10)
    assert not (vm.out / "stalled").exists()


def test_machine_that_never_reaches_its_script_is_ended(vm):
    vm.guest("")
    # Its init waits for somebody to type
    printed = vm.run("--append", "rdinit=/bin/cat", "--patience", 10, status=124)
    assert "stood still, and was stopped since it did not go on" in printed
    assert re.search(r"stood still for 1\d s outside of a script in boot 1, CPU 0 at ", printed)


# ---- Nothing is left

def mine(mark):
    """Processes that this test's VM consists of."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"VM_TEST={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().decode())
        except OSError:
            # It has ended, which is no failure here
            pass
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_is_left_after(vm, number):
    vm.guest(SLEEP)
    run = vm.start(env=os.environ | {"VM_TEST": str(vm.folder)})
    wait_for((vm.out / "started").exists, "the script")
    found = mine(vm.folder)
    assert len(found) == 3, f"not runner, qemu and swtpm: {found}"
    folders = {name for line in found for name in re.findall(r"/tmp/vm-[^/,\0]*", line)}
    assert len(folders) == 1, f"not one folder of the VM: {folders}"
    run.send_signal(number)
    status = run.wait()
    assert status == (-number if number == signal.SIGKILL else 128 + number)
    wait_for(lambda: not mine(vm.folder), "the end of all processes")
    folder = Path(folders.pop())
    if number == signal.SIGKILL:
        # A killed runner can't clean up; its folder has no use
        shutil.rmtree(folder)
    assert not folder.exists()


# ---- Errors

ERRORS = {
    "script": (["--script", "none"], "script none: No such file"),
    "out": (["--out", "a-file/out"], "output folder: a-file/out: Not a directory"),
    "kernel": (["--kernel", "none"], "kernel none: No such file"),
    "tpm": (["--tpm", "spi"], "--tpm spi: not one of tis, crb and none"),
    "tpm-state": (["--tpm-state", "a-file"], "a-file"),
    "banks": (["--banks", "sha257"], "sha257"),
    "banks-without-tpm": (["--tpm", "none", "--banks", "sha1"], "not for --tpm none"),
    "banks-of-tpm12": (["--tpm12", "--banks", "sha1"], "no banks"),
    "timeout": (["--timeout", "0"], "--timeout"),
    "unknown": (["--nonsense"], "--nonsense"),
    "qmp": (["--qmp", "0" * 108], "too long"),
}


@pytest.mark.parametrize("option", ERRORS)
def test_errors_are_clear(vm, option):
    args, said = ERRORS[option]
    (vm.folder / "a-file").touch()
    vm.guest("exit 0")
    printed = vm.run(*args, status=126)
    assert said in printed
    assert "Traceback" not in printed
    console = vm.out / "console.log"
    assert not console.exists() or console.stat().st_size == 0


def test_script_and_out_are_required():
    done = subprocess.run([TOP / "scripts" / "vm"], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 126
    assert "--script, --out" in done.stderr
