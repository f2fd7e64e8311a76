# SPDX-License-Identifier: GPL-2.0-only
"""The Debian packages of the command and the library."""

import os
import re
import subprocess

import pytest

from lab.groups import once
from lab.paths import BUILD
from lab.verifier import PLAIN, SOURCE, VECTORS
from patchset.lock import locked

PACKAGES = BUILD / "deb"
LIST, PCRS = VECTORS / "kexec-complete" / "list", VECTORS / "kexec-complete" / "pcrs"

pytestmark = [pytest.mark.check, pytest.mark.xdist_group("package")]


def run(*argv, **popen):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **popen)
    assert done.returncode == 0, f"{' '.join(map(str, argv))}\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="session")
def built():
    """Built anew, and nothing else is in the folder."""
    def build():
        with locked(PACKAGES):
            for old in (*PACKAGES.glob("*.deb"), *PACKAGES.glob("*.changes")):
                old.unlink()
            PLAIN.make("building the packages", "deb")
    once("packages", build)
    return PACKAGES


def unpack(package, root):
    path, = package
    run("dpkg-deb", "-x", path, root)


@pytest.mark.parametrize("name", ["imatally", "libimatally0", "libimatally-dev"])
def test_package_is_built(built, name):
    assert len(list(built.glob(f"{name}_*.deb"))) == 1


def test_lintian_has_nothing_to_say(built):
    run("lintian", "--fail-on", "warning,error", "--allow-root", *built.glob("*.changes"))


# ---- The command

@pytest.fixture(scope="session")
def root(built, tmp_path_factory):
    found = tmp_path_factory.mktemp("root")
    unpack(built.glob("imatally_*.deb"), found)
    return found


def test_command_is_in_its_package(root):
    assert run(root / "usr" / "bin" / "imatally", "--version").startswith("imatally ")


def test_program_that_prints_what_a_tpm_counts_is_in_it_too(root, tmp_path):
    done = subprocess.run([root / "usr" / "bin" / "imatally-increments", "--device", tmp_path / "none"], check=False,
                          stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (4, f"imatally-increments: {tmp_path}/none: No such file or directory\n")


def test_service_is_stopped_when_the_package_is_removed(built, tmp_path):
    path, = built.glob("imatally_*.deb")
    run("dpkg-deb", "-e", path, tmp_path / "control")
    script = (tmp_path / "control" / "prerm").read_text(encoding="ascii")
    assert 'if [ "$1" = remove ]' in script and "deb-systemd-invoke stop imatally-watch.service" in script


def test_upgrade_leaves_the_service_running(built, tmp_path):
    path, = built.glob("imatally_*.deb")
    run("dpkg-deb", "-e", path, tmp_path / "control")
    assert not (tmp_path / "control" / "preinst").exists()
    assert "try-restart" in (tmp_path / "control" / "postinst").read_text(encoding="ascii")


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local"])
def test_manual_names_the_schemas_where_they_are(tmp_path, prefix):
    PLAIN.make("installing", "install", f"DESTDIR={tmp_path}", f"PREFIX={prefix}")
    for name in ("ear", "evidence", "result"):
        page = (tmp_path / prefix[1:] / "share" / "man" / "man5" / f"imatally-{name}.5").read_text(encoding="utf-8")
        schema = re.search(rf"/\S+/{name}\.schema\.json", page)[0]
        assert (tmp_path / schema[1:]).exists(), schema


@pytest.mark.parametrize("page", sorted(path.name for path in (SOURCE / "man").iterdir()))
def test_manual_page_is_in_its_package(root, page):
    assert (root / "usr" / "share" / "man" / f"man{page[-1]}" / f"{page}.gz").exists()


# ---- The library: the example is built from the -dev package, as on a machine that has both

@pytest.fixture(scope="session")
def library(built, tmp_path_factory):
    found = tmp_path_factory.mktemp("library")
    for name in ("libimatally0", "libimatally-dev"):
        unpack(built.glob(f"{name}_*.deb"), found)
    return found


@pytest.mark.parametrize("option", ["-limatally", "-l:libimatally.a"], ids=["shared", "static"])
def test_program_is_built_with_the_library_and_runs(library, tmp_path, option):
    lib = next((library / "usr" / "lib").glob("*/libimatally.so.0")).parent
    environment = {**os.environ, "PKG_CONFIG_PATH": str(lib / "pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(library)}
    example = library / "usr" / "share" / "doc" / "libimatally-dev" / "examples" / "verdict.c"
    run("cc", example, "-o", tmp_path / "example", *run("pkg-config", "--cflags", "libimatally", env=environment).split(),
        f"-L{lib}", option, *run("pkg-config", "--libs", "libcrypto", "jansson", "tss2-mu").split())
    run(tmp_path / "example", LIST, PCRS, env={**os.environ, "LD_LIBRARY_PATH": str(lib)})


def test_pkg_config_is_enough_where_make_has_installed_it(tmp_path):
    """For those who have no packages."""
    PLAIN.make("installing the library", "install-lib", f"PREFIX={tmp_path}")
    environment = {**os.environ, "PKG_CONFIG_PATH": str(tmp_path / "lib" / "pkgconfig")}
    flags = run("pkg-config", "--cflags", "--libs", "libimatally", env=environment).split()
    run("cc", SOURCE / "examples" / "verdict.c", "-o", tmp_path / "example", *flags)
    run(tmp_path / "example", LIST, PCRS, env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path / "lib")})
