# SPDX-License-Identifier: GPL-2.0-only
"""The text of this repository: spelling, shell, Python, and the help of its commands."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from lab.paths import BUILD, TOP

pytestmark = pytest.mark.quick

# No warning about each pipe or match that might be None: using one raises an exception anyway
MYPY = ("--check-untyped-defs", "--no-strict-optional", "--ignore-missing-imports", "--explicit-package-bases",
        "--cache-dir", str(BUILD / "mypy"))


def tracked(*patterns: str) -> list[str]:
    """The files of this repository that match, such as "tests/*.py", committed or not."""
    listed = subprocess.run(["git", "-C", TOP, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--",
                             *patterns], check=True, stdout=subprocess.PIPE, text=True).stdout
    return sorted(file for file in set(listed.split("\0")) if (TOP / file).is_file())


def first_line(file: str) -> str:
    with open(TOP / file, "rb") as text:
        return text.readline().decode(errors="replace")


def is_shell(file: str) -> bool:
    return re.match(r"#!/bin/(ba)?sh|# shellcheck shell=", first_line(file)) is not None


def is_python(file: str) -> bool:
    return file.endswith(".py") or first_line(file).startswith("#!/usr/bin/python3")


def commands() -> list[str]:
    return [file for file in tracked("scripts/*", "bench/*", "tests/*") if os.access(TOP / file, os.X_OK) and
            first_line(file).startswith("#!") and not file.startswith("tests/guest/")]


def python_commands() -> list[str]:
    return [file for file in commands() if is_python(file)]


def lab_modules() -> list[str]:
    return [file.removeprefix("tests/").removesuffix(".py").replace("/", ".").removesuffix(".__init__")
            for file in tracked("tests/lab/*.py")]


def succeed(*command: str | Path) -> str:
    __tracebackhide__ = True
    done = subprocess.run(command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("script", [file for file in tracked("scripts", "bench", "tests", "tools/ima", ".ci")
                                    if is_shell(file)])
def test_shellcheck_reports_nothing(script: str) -> None:
    succeed("shellcheck", "-x", "-P", "SCRIPTDIR", script)


def test_codespell_reports_nothing() -> None:
    # A variable of the kernel's Makefile, and a register
    succeed("codespell", "--ignore-words-list=extraversion,fpr", *tracked(":!LICENSE"))


@pytest.mark.parametrize("folder", ["scripts", "tests", "bench"])
def test_mypy_reports_nothing(folder: str) -> None:
    """Commands are checked one by one, because mypy takes all of them for the same module."""
    files = [file for file in tracked(folder) if is_python(file)]
    modules = [file for file in files if file.endswith(".py")]
    for batch in [modules] * bool(modules) + [[file] for file in files if file not in modules]:
        succeed("env", f"MYPYPATH={TOP}/tests:{TOP}/scripts", "/usr/bin/python3", "-m", "mypy", *MYPY, *batch)


@pytest.mark.parametrize("command", commands())
def test_help_names_the_command(command: str) -> None:
    """--help begins with the command's path. A script in shell prints the comment at its head, to the end."""
    text = succeed(TOP / command, "--help")
    assert re.match(rf"usage: {re.escape(command)}\b", text, re.I), text
    if is_shell(command):
        head = re.search(r"^# (Usage:.*?)\n\n", (TOP / command).read_text(encoding="utf-8"), re.M | re.S)
        assert head, f"{command} has no comment that begins with Usage:"
        assert text.strip() == re.sub(r"\n# ?", "\n", head[1]).strip()


# What "make demo" installs has Python, but none of the packages that tests use. -S hides those that are installed.
PYTHON_ALONE = ("/usr/bin/python3", "-S")


@pytest.mark.parametrize("command", python_commands())
def test_command_starts_without_python_packages(command: str) -> None:
    succeed(*PYTHON_ALONE, command, "--help")


@pytest.mark.parametrize("module", lab_modules())
def test_module_of_the_lab_loads_without_python_packages(module: str) -> None:
    succeed("env", f"PYTHONPATH={TOP}/tests:{TOP}/scripts", *PYTHON_ALONE, "-c", f"import {module}")
