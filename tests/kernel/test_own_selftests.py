# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own selftests of the TPM and of kexec give on the series what they give on the base."""

import re
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from lab import arch as architectures
from lab import image, kernel, vm
from lab.groups import Group, once
from lab.kernel import Build
from lab.paths import GUEST

OWN = [Group("own_selftests", "full")]
FOLDERS = ("tpm2", "kexec")

RESULT = re.compile(r"^(test_\w+) .*?(?:\.\.\. )?(ok|FAIL|ERROR|skipped.*)$|^(status \d+)$", re.M)
"""A line of unittest, or a script's exit status."""


def put_python(to: Path) -> None:
    """This Python with the modules of its library that are files."""
    modules = Path(sysconfig.get_path("stdlib"))
    (to / "lib").mkdir(parents=True)
    shutil.copy(sys.executable, to / "python3")
    for path, library in image.libraries([Path(sys.executable)], architectures.get(architectures.DEFAULT_ARCH)).items():
        if path.startswith("usr/lib/"):
            shutil.copy(library, to / "lib")
    version = f"{sys.version_info.major}{sys.version_info.minor}"
    with zipfile.ZipFile(to / "lib" / f"python{version}.zip", "w") as archive:
        for file in modules.rglob("*.py"):
            name = file.relative_to(modules)
            if name.parts[0] not in ("test", "idlelib", "dist-packages", "site-packages"):
                archive.write(file, name)


def boot(build: Build, out: Path) -> dict[str, list[str]]:
    """What each script printed of results."""
    for folder in FOLDERS:
        shutil.copytree(build.tree / "tools/testing/selftests" / folder, out / "selftests" / folder)
    shutil.copy(build.obj / ".config", out / "config")
    put_python(out / "python")
    result = vm.run(vm.Machine(build.image, out, GUEST / "own-selftests.sh", mem=768, append=vm.TCB))
    assert result.status == 0, str(result)
    return {file.name: [" ".join(filter(None, found)) for found in RESULT.findall(file.read_text(encoding="utf-8"))]
            for file in sorted((out / "printed").iterdir())}


@pytest.fixture
def results(group: Group, kernel: Build) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    def run() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        folder = group.fresh_folder()
        return boot(base_of(group), folder / "base"), boot(kernel, folder / "series")
    return once(group.id, run)


def base_of(group: Group) -> Build:
    return kernel.build(group.base, group.config, vanilla=True)


@pytest.mark.timeout(0)
@pytest.mark.groups(OWN)
def test_results_are_those_of_the_base(results: tuple[dict[str, list[str]], dict[str, list[str]]]) -> None:
    base, series = results
    print(base)
    assert series == base


@pytest.mark.timeout(0)
@pytest.mark.groups(OWN)
def test_they_ran(results: tuple[dict[str, list[str]], dict[str, list[str]]]) -> None:
    base, _ = results
    assert len(base["test_smoke.sh"]) > 5
    assert base["test_kexec_load.sh"] == ["status 0"]
