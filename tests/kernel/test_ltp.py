# SPDX-License-Identifier: GPL-2.0-only
"""
LTP's tests of IMA give on the series what they give on the base: "make check-full T=ltp LTP=DIR", with a tree of LTP.

Debian has no package of LTP.
"""

import os
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from lab import arch as architectures
from lab import image, kernel, vm
from lab.groups import Group, once
from lab.kernel import Build
from lab.paths import BUILD, GUEST
from patchset.console import run_long

TREE = os.environ.get("LTP")
if not TREE:
    pytest.skip("no tree of LTP is given (make check-full T=ltp LTP=DIR)", allow_module_level=True)

pytestmark = pytest.mark.timeout(0)

OF_LTP = [Group("ltp", "full")]
IMA = "testcases/kernel/security/integrity/ima"

RESULT = re.compile(r"^(\w+ \d+ (?:TPASS|TFAIL|TBROK|TCONF|TWARN)): |^(status \d+)$", re.M)
"""A result of a test, or a script's exit status. What follows has names of temporary files."""


def build() -> Path:
    """LTP's programs for IMA, linked statically, in a copy of the tree."""
    copy = BUILD / "ltp"
    if not (copy / IMA / "src" / "ima_mmap").exists():
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(Path(TREE or ""), copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        run_long("configuring LTP", ["sh", "-c", f"cd '{copy}' && make autotools && ./configure LDFLAGS=-static"])
        for folder in ("lib", "testcases/lib", IMA):
            run_long(f"building LTP ({folder})", ["make", "-C", copy / folder, f"-j{os.cpu_count()}"])
    return copy


def put_ltp(ltp: Path, to: Path) -> None:
    """The programs and the data where LTP's scripts look for them."""
    (to / "testcases/bin").mkdir(parents=True)
    for folder in ("testcases/lib", f"{IMA}/tests", f"{IMA}/src"):
        for file in (ltp / folder).iterdir():
            if file.is_file() and (file.suffix == ".sh" or not file.suffix and os.access(file, os.X_OK)):
                shutil.copy(file, to / "testcases/bin")
    shutil.copytree(ltp / IMA / "datafiles", to / "testcases/data")


def boot(build: Build, ltp: Path, out: Path) -> dict[str, list[str]]:
    """What each script printed of results."""
    put_ltp(ltp, out / "ltp")
    programs = [Path(shutil.which(name) or name) for name in ("evmctl", "tsspcrread")]
    image.add_programs(programs, out, architectures.get(architectures.DEFAULT_ARCH))
    shutil.copy(build.obj / ".config", out / "config")
    result = vm.run(vm.Machine(build.image, out, GUEST / "ltp.sh", mem=768, append=vm.TCB))
    assert result.status == 0, str(result)
    return {file.name: ["".join(found) for found in RESULT.findall(file.read_text(encoding="utf-8", errors="replace"))]
            for file in sorted((out / "printed").iterdir())}


@pytest.fixture
def results(group: Group, kernel: Build) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    def run() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        folder, ltp = group.fresh_folder(), build()
        return boot(base_of(group), ltp, folder / "base"), boot(kernel, ltp, folder / "series")
    return once(group.id, run)


def base_of(group: Group) -> Build:
    return kernel.build(group.base, group.config, vanilla=True)


def count(results: dict[str, list[str]]) -> Counter[str]:
    return Counter(line.split()[-1] for lines in results.values() for line in lines if not line.startswith("status"))


@pytest.mark.groups(OF_LTP)
def test_results_are_those_of_the_base(results: tuple[dict[str, list[str]], dict[str, list[str]]]) -> None:
    base, series = results
    print(count(base), base)
    assert series == base


@pytest.mark.groups(OF_LTP)
def test_they_ran(results: tuple[dict[str, list[str]], dict[str, list[str]]]) -> None:
    base, _ = results
    assert set(count(base)) == {"TPASS"}
    assert all("status 0" in lines for lines in base.values())
