# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own unit tests."""

import re
import subprocess
from pathlib import Path

import pytest

from lab import sources, tap, vm
from lab.groups import Group, elsewhere, once
from lab.kernel import environment
from lab.paths import BUILD, TOP

BOOT = [Group("kunit_boot", "quick"), Group("kunit_hmac_boot", config="vm,hmac")]
BOOT += elsewhere(BOOT, "kunit_boot")
TOOL = [Group("kunit_tool", "full")]


def cases():
    return [name for folder in ("drivers/char/tpm", "security/integrity/ima")
            for file in sorted((TOP / folder).glob("*[-_]test.c")) for name in sources.kunit(file)]


def cases_and_suites(_group):
    return [*cases(), *dict.fromkeys(name.partition(".")[0] for name in cases())]


@pytest.fixture
def booted(group, kernel):
    """They print KTAP at boot, whether there is a TPM or not. The policy is for the one that makes records."""
    def run():
        result = vm.run(vm.Machine(kernel=kernel.image, out=group.fresh_folder(), script="exit 0", tpm="none",
                                   arch=group.arch, append="kunit.enable=1 kunit.autorun=1 ima_policy=critical_data"))
        text = result.console.read_text(encoding="utf-8", errors="replace")
        return result, {line.name: line for line in tap.parse(text)}
    return once(group.id, run)


@pytest.mark.groups(BOOT, cases_and_suites)
def test_case(booted, line):
    result, lines = booted
    assert line in lines, f"it did not run\n{result}"
    assert lines[line].ok, lines[line].output
    assert lines[line].skip is None, f"skipped itself: {lines[line].skip}"


@pytest.mark.groups(BOOT)
def test_every_line_is_known(booted, group):
    _, lines = booted
    assert sorted(lines) == sorted(cases_and_suites(group))


@pytest.mark.groups(BOOT)
def test_guest_ends_well(booted):
    result, _ = booted
    assert result.status == 0, str(result)


# ---- As a developer runs them, without the rest of this project

def without_false_kvm(argv):
    """kunit.py takes any /dev/kvm that it finds, also one without hardware behind it, which boots nothing."""
    if Path("/dev/kvm").exists() and not re.search(r"\b(vmx|svm)\b", Path("/proc/cpuinfo").read_text(encoding="ascii")):
        return ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount --bind /dev/null /dev/kvm && exec "$@"', "sh",
                *argv]
    return argv


@pytest.mark.timeout(3600)
@pytest.mark.groups(TOOL, lambda _group: ["drivers/char/tpm", "security/integrity/ima"])
def test_kunit_py_runs_those_of(kernel, group, line):
    argv = ["/usr/bin/python3", "tools/testing/kunit/kunit.py", "run", "--arch=x86_64", f"--kunitconfig={line}",
            f"--build_dir={BUILD / group.base / 'kunit'}", "--jobs=2", "--make_options=CC=ccache gcc"]
    done = subprocess.run(without_false_kvm(argv), cwd=kernel.tree, env=environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
    assert done.returncode == 0, done.stdout
