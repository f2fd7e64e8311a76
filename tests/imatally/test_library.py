# SPDX-License-Identifier: GPL-2.0-only
"""
The library as others use it: installed, found by pkg-config, linked shared and static, from C and C++. It exports what
its headers declare and no more, keeps no variables, and neither prints nor exits.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.groups import once
from lab.verifier import PLAIN, SOURCE, VECTORS

pytestmark = [pytest.mark.quick, pytest.mark.xdist_group("library")]

C_COMPILER = os.environ.get("CC", "cc")
CXX_COMPILER = os.environ.get("CXX", "c++")
# Declared as types and in a header, not exported
NOT_EXPORTED = re.compile(r"_fn$|^imatally_record_has$")
# Sections that are read-only once addresses in them are relocated
CONSTANT = re.compile(r"^\.(ro)?data\.rel\.ro|^\.rodata")
FORBIDDEN = re.compile(r"^(exit|_exit|abort|(v|f|vf)?printf|puts|putchar|fputs|fputc|fwrite|perror|stdout|stderr|stdin|"
                       r"signal|sigaction)$")


def run(*argv, **popen):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **popen)
    assert done.returncode == 0, f"{' '.join(map(str, argv))}\n{done.stdout}"
    return done.stdout


@dataclass(frozen=True)
class Symbol:
    kind: str
    name: str


def symbols(path, *options):
    """Of nm's lines that have a kind and a name."""
    lines = [line.split() for line in run("nm", *options, path).splitlines()]
    return [Symbol(line[-2], line[-1].partition("@")[0]) for line in lines if len(line) >= 2 and len(line[-2]) == 1]


# ---- The archive

@pytest.fixture(scope="session")
def archive():
    once("library", lambda: PLAIN.make("building the library", "lib"))
    return PLAIN.objects / "libimatally.a"


def test_each_symbol_has_the_librarys_prefix(archive):
    names = [symbol.name for symbol in symbols(archive, "-g", "--defined-only")]
    assert len(names) > 20
    assert [name for name in names if not name.startswith("imatally_")] == []


def test_library_keeps_no_variables(archive):
    rows = [[cell.strip() for cell in line.split("|")]
            for line in run("nm", "--format=sysv", "--defined-only", archive).splitlines() if line.count("|") == 6]
    variables = [(name, section) for name, _, kind, _, _, _, section in rows if kind in set("BbCDdGgSs")]
    assert len(rows) > 20
    assert [row for row in variables if not CONSTANT.search(row[1])] == []


def test_library_neither_prints_nor_exits(archive):
    names = [symbol.name for symbol in symbols(archive, "-u")]
    assert "malloc" in names
    assert [name for name in names if FORBIDDEN.match(name)] == []


# ---- Installed

@dataclass(frozen=True)
class Installed:
    root: Path

    @property
    def lib(self):
        return self.root / "usr" / "lib"

    @property
    def shared(self):
        return self.lib / "libimatally.so"

    def pkg_config(self, *args, sysroot=True):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(self.lib / "pkgconfig")}
        if sysroot:
            environment["PKG_CONFIG_SYSROOT_DIR"] = str(self.root)
        return run("pkg-config", *args, env=environment).split()


@pytest.fixture(scope="session")
def installed(archive, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    run("make", "--no-print-directory", "-C", SOURCE, "install-lib", f"DESTDIR={root}", "PREFIX=/usr", "LIBDIR=/usr/lib")
    return Installed(root)


def test_exported_functions_are_the_declared_ones(installed):
    headers = "".join(path.read_text(encoding="utf-8") for path in (installed.root / "usr" / "include").glob("imatally*.h"))
    declared = {name for name in re.findall(r"\b(imatally_[a-z0-9_]+)\(", headers) if not NOT_EXPORTED.search(name)}
    exported = {symbol.name for symbol in symbols(installed.shared, "-D", "--defined-only") if symbol.kind == "T"}
    assert exported == declared


def test_symbols_have_a_version(installed):
    assert " imatally_verify@@LIBIMATALLY_0\n" in run("nm", "-D", "--defined-only", installed.shared)


def test_shared_library_has_its_number(installed):
    assert re.search(r"SONAME.*\[libimatally.so.0\]", run("readelf", "-d", installed.shared))


# ---- Used by the example, and from C++

@pytest.fixture(scope="session")
def programs(installed, tmp_path_factory):
    """The example of the library, linked each way."""
    folder = tmp_path_factory.mktemp("programs")
    compile_it = [C_COMPILER, "-Wall", "-Wextra", "-Werror", SOURCE / "examples" / "verdict.c"]
    run(*compile_it, *installed.pkg_config("--cflags", "--libs", "libimatally"), "-o", folder / "shared")
    run(*compile_it, *installed.pkg_config("--cflags", "libimatally"), installed.lib / "libimatally.a",
        *installed.pkg_config("--libs", "libcrypto", "jansson", "tss2-mu", sysroot=False), "-o", folder / "static")
    return {name: folder / name for name in ("shared", "static")}


def call(installed, program, *args):
    return subprocess.run([program, *args], env={**os.environ, "LD_LIBRARY_PATH": str(installed.lib)}, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("linked", ["shared", "static"])
@pytest.mark.parametrize("vector, status", [("kexec-complete", 0), ("kexec-cut", 1), ("tpm-restarted", 2)])
def test_example_gives_the_verdict(installed, programs, linked, vector, status):
    done = call(installed, programs[linked], VECTORS / vector / "list", VECTORS / vector / "pcrs")
    assert done.returncode == status, done.stdout


@pytest.mark.parametrize("linked", ["shared", "static"])
def test_example_refuses_what_is_no_list(installed, programs, linked):
    done = call(installed, programs[linked], SOURCE / "Makefile", VECTORS / "kexec-complete" / "pcrs")
    assert done.returncode == 3, done.stdout


@pytest.mark.parametrize("linked", ["shared", "static"])
def test_linked_as_asked_for(programs, linked):
    needed = "NEEDED" in "".join(line for line in run("readelf", "-d", programs[linked]).splitlines()
                                 if "libimatally.so.0" in line)
    assert needed == (linked == "shared")


def test_example_prints_the_entries(installed, tmp_path):
    run(C_COMPILER, "-Wall", "-Wextra", "-Werror", SOURCE / "examples" / "entries.c",
        *installed.pkg_config("--cflags", "--libs", "libimatally"), "-o", tmp_path / "entries")
    with open(VECTORS / "two-kernels" / "list", "rb") as entries:
        said = subprocess.run([tmp_path / "entries"], env={**os.environ, "LD_LIBRARY_PATH": str(installed.lib)},
                              check=True, stdin=entries, stdout=subprocess.PIPE, text=True).stdout
    assert re.search(r" boot_aggregate$", said, re.M), said


def test_headers_are_cxx_too(installed, tmp_path):
    (tmp_path / "main.cc").write_text("#include <imatally.h>\n#include <imatally-evidence.h>\n#include <imatally-enroll.h>\n"
                                      "int main() { imatally_pcrs pcrs = {}; imatally_pcrs_free(&pcrs); }\n", encoding="ascii")
    run(CXX_COMPILER, "-std=c++17", "-Wall", "-Wextra", "-Werror", tmp_path / "main.cc",
        *installed.pkg_config("--cflags", "--libs", "libimatally"), "-o", tmp_path / "main")
    done = call(installed, tmp_path / "main")
    assert done.returncode == 0, done.stdout
