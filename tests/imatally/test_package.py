# SPDX-License-Identifier: GPL-2.0-only
"""The Debian packages of the commands and the library."""

import os
import re
import shutil
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


# What is in which package, of what names more than one
OF_THE_FLEET = {"agent": "imatally-agent", "verifier": "imatally-verifier", "fleet": "imatally-verifier"}
SERVICES = {"imatally-watch": "imatally", "imatally-agent": "imatally-agent", "imatally-verifier": "imatally-verifier"}


@pytest.mark.parametrize("name", ["imatally", "imatally-agent", "imatally-verifier", "libimatally0", "libimatally-dev"])
def test_package_is_built(built, name):
    assert len(list(built.glob(f"{name}_*.deb"))) == 1


def test_lintian_has_nothing_to_say(built):
    run("lintian", "--fail-on", "warning,error", "--allow-root", *built.glob("*.changes"))


# ---- The commands

@pytest.fixture(scope="session")
def roots(built, tmp_path_factory):
    """What is in the packages of the commands, by their names."""
    found = {}
    for name in ("imatally", "imatally-agent", "imatally-verifier"):
        found[name] = tmp_path_factory.mktemp(name)
        unpack(built.glob(f"{name}_*.deb"), found[name])
    return found


@pytest.fixture(scope="session")
def root(roots):
    return roots["imatally"]


def test_command_is_in_its_package(root):
    assert run(root / "usr" / "bin" / "imatally", "--version").startswith("imatally ")


def test_program_that_prints_what_a_tpm_counts_is_in_it_too(root, tmp_path):
    done = subprocess.run([root / "usr" / "bin" / "imatally-increments", "--device", tmp_path / "none"], check=False,
                          stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (4, f"imatally-increments: {tmp_path}/none: No such file or directory\n")


@pytest.mark.parametrize("name", ["agent", "verifier", "fleet"])
def test_program_of_a_fleet_is_in_its_package(roots, name):
    assert run(roots[OF_THE_FLEET[name]] / "usr" / "bin" / f"imatally-{name}", "--help").startswith("Usage: imatally")


def test_command_fleet_is_found_beside_the_command(roots, tmp_path):
    for package in ("imatally", "imatally-verifier"):
        shutil.copytree(roots[package], tmp_path, dirs_exist_ok=True)
    assert run(tmp_path / "usr" / "bin" / "imatally", "fleet", "--help").startswith("Usage: imatally fleet init ")


@pytest.mark.parametrize("name, typed, wanted", [
    ("imatally", "verify --str", "--strict"), ("imatally", "fleet hist", "history"),
    ("imatally-agent", "--serv", "--server"), ("imatally-verifier", "--dead", "--deadline")])
def test_completion_offers_what_the_program_takes(roots, name, typed, wanted):
    """With what bash-completion provides, as far as it is used."""
    path = roots[name] / "usr" / "share" / "bash-completion" / "completions" / name
    words = [roots[name] / "usr" / "bin" / name, *typed.split()]
    script = ('_init_completion() { words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=${words[cword]}; '
              'prev=${words[cword - 1]}; }; '
              f'. {path}; COMP_WORDS=({" ".join(map(str, words))}); COMP_CWORD={len(words) - 1}; '
              f'_{name.replace("-", "_")}; echo "${{COMPREPLY[@]}}"')
    assert run("bash", "-c", script) == f"{wanted}\n"


# ---- The services

@pytest.fixture(params=SERVICES)
def service(request):
    return request.param


@pytest.fixture
def scripts(built, service, tmp_path):
    path, = built.glob(f"{SERVICES[service]}_*.deb")
    run("dpkg-deb", "-e", path, tmp_path / "control")
    return tmp_path / "control"


def test_service_is_stopped_when_the_package_is_removed(scripts, service):
    script = (scripts / "prerm").read_text(encoding="ascii")
    assert 'if [ "$1" = remove ]' in script and f"deb-systemd-invoke stop {service}.service" in script


def test_upgrade_leaves_the_service_running(scripts, service):
    assert not (scripts / "preinst").exists()
    script = (scripts / "postinst").read_text(encoding="ascii")
    assert f"try-restart '{service}.service'" in script


def test_service_is_not_enabled_by_its_package(scripts, service):
    """It is enabled again after an upgrade where the administrator did that before."""
    script = (scripts / "postinst").read_text(encoding="ascii")
    enabled = [i for i, line in enumerate(script.splitlines()) if f"enable '{service}.service'" in line]
    asked = [i for i, line in enumerate(script.splitlines()) if f"was-enabled '{service}.service'" in line]
    assert len(enabled) == len(asked) == 1 and asked[0] < enabled[0]


def test_service_runs_the_program_and_may_do_little_else(roots, service):
    found = list(roots[SERVICES[service]].glob(f"**/system/{service}.service"))
    assert len(found) == 1
    unit = found[0].read_text(encoding="ascii")
    program = re.search("^ExecStart=(/usr/bin/[^ ]+)", unit, re.M)[1]
    assert (roots[SERVICES[service]] / program[1:]).exists()
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "RestrictNamespaces=yes",
                 "SystemCallFilter=@system-service"):
        assert f"\n{line}\n" in unit, line
    # Where systemd is, it says how much a service can do: 0 is nothing, 10 everything
    if shutil.which("systemd-analyze"):
        run("systemd-analyze", "security", "--offline=true", "--threshold=30", found[0])


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local"])
def test_manual_names_the_schemas_where_they_are(tmp_path, prefix):
    PLAIN.make("installing", "install", f"DESTDIR={tmp_path}", f"PREFIX={prefix}")
    for name in ("ear", "evidence", "result"):
        page = (tmp_path / prefix[1:] / "share" / "man" / "man5" / f"imatally-{name}.5").read_text(encoding="utf-8")
        schema = re.search(rf"/\S+/{name}\.schema\.json", page)[0]
        assert (tmp_path / schema[1:]).exists(), schema


@pytest.mark.parametrize("page", sorted(path.name for path in (SOURCE / "man").iterdir()))
def test_manual_page_is_in_its_package(roots, page):
    package = OF_THE_FLEET.get(page.removeprefix("imatally-").removesuffix(".1"), "imatally")
    assert (roots[package] / "usr" / "share" / "man" / f"man{page[-1]}" / f"{page}.gz").exists()


@pytest.mark.full
def test_packages_are_built_without_libnats_but_those_of_the_fleet(tmp_path):
    tool = tmp_path / "pkg-config"
    tool.write_text('#!/bin/sh\ncase "$*" in *libnats*) exit 1 ;; esac\nexec pkg-config "$@"\n', encoding="ascii")
    tool.chmod(0o755)
    run("make", "-C", SOURCE, "deb", f"O={tmp_path / 'build'}", f"PKG_CONFIG={tool}")
    names = {path.name.split("_")[0] for path in (tmp_path / "build" / "deb").glob("*.deb")}
    assert {name for name in names if not name.endswith("-dbgsym")} == {"imatally", "libimatally0", "libimatally-dev"}


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
