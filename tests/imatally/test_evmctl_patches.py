# SPDX-License-Identifier: GPL-2.0-only
"""
The patches for ima-evm-utils, on Debian's sources: they apply, build, and print the records of real lists as text.

A source comes from this machine's own mirror, with a private apt configuration.
"""

import os
import re
import subprocess

import pytest

from lab.verifier import SOURCE, VECTORS
from patchset.apt import KEYRING, output, private, targets
from patchset.console import Failed

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

PATCHES = sorted((SOURCE / "integrations" / "ima-evm-utils").glob("*.patch"))
FOLDERS = sorted(path.parent for path in VECTORS.glob("*/list"))

# Debian 12 has 1.4, which checks less of a pathname, so that one patch has no place there
SUITES = {"bookworm": ("0002",), "trixie": ()}


def run(*argv, cwd):
    done = subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", errors="replace", check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout[-3000:]}"
    return done.stdout


def download(suite, store):
    """Debian's source of a suite, extracted; skips the test if the mirror does not have it."""
    try:
        mirror = targets("$(REPO_URI)", "Label: Debian")[0]
    except Failed as problem:
        pytest.skip(str(problem))
    options = private(store / "apt", [f"deb-src [signed-by={KEYRING}] {mirror} {suite} main"])
    output("apt-get", *options, "update")
    version = re.findall(r"^Version: (\S+)$", output("apt-cache", *options, "showsrc", "ima-evm-utils"), re.M)
    if not version:
        pytest.skip(f"the mirror has no index of the sources of {suite}")
    done = subprocess.run(["apt-get", *options, "source", "--only-source", f"ima-evm-utils={version[-1]}"], cwd=store,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                          errors="replace", check=False)
    if done.returncode:
        error = re.search(r"^E: .*?(\S+)\s+(\d{3} .*?)(?: \[.*)?$", done.stderr, re.M)
        why = f"{os.path.basename(error[1])}: {error[2].strip()}" if error else done.stderr.strip()[-200:]
        pytest.skip(f"the source of ima-evm-utils {version[-1]} can't be had ({why})")
    return next(path for path in store.iterdir() if path.is_dir() and path.name.startswith("ima-evm-utils-"))


@pytest.fixture(scope="module", params=SUITES)
def patched(request, tmp_path_factory):
    """The source of a suite with the patches, built."""
    for program in ("autoreconf", "libtoolize"):
        if not output("sh", "-c", f"command -v {program}"):
            pytest.skip(f"{program} is not installed")
    tree = download(request.param, tmp_path_factory.mktemp(request.param))
    for patch in PATCHES:
        if patch.name[:4] not in SUITES[request.param]:
            run("git", "apply", "--exclude=tests/Makefile.am", patch, cwd=tree)
    run("autoreconf", "-i", cwd=tree)
    run("./configure", cwd=tree)
    run("make", "-C", "src", cwd=tree)
    return request.param, tree


def shown(tree, measurements):
    """What evmctl prints of the entries named pcr_counter that are records, one of each line."""
    done = subprocess.run([tree / "src" / "evmctl", "-v", "ima_measurement", measurements], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="ascii", check=False)
    assert "contains unprocessed data" not in done.stdout
    return re.findall(r" pcr_counter (version=\S+)$", done.stdout, re.M)


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_records_are_text(patched, verifier, folder):
    records = shown(patched[1], folder / "list")
    lines = [line for line in verifier.call("show", "--json", folder / "list").out.splitlines() if "foreign" not in line]
    assert len(records) == len(lines)
    for text, line in zip(records, lines):
        for key in ("entries", "extends", "dropped"):
            value = re.search(rf";{key}=(\d+);", text)
            assert value and f'"{key}":{value[1]}' in line.replace(" ", "")


def test_its_own_test_passes(patched):
    suite, tree = patched
    done = subprocess.run(["bash", "./ima_measurement.test"], cwd=tree / "tests", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
                          check=False)
    # The case that needs the patch that has no place
    assert f"FAIL: {len(SUITES[suite])}" in done.stdout, done.stdout
