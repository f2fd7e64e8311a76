# SPDX-License-Identifier: GPL-2.0-only
"""
What a maintainer would try before taking the series.

Each patch builds without warnings and boots. The whole series builds with what it depends on switched off and on, and
for other architectures. get_maintainer.pl names somebody for each patch, and the kernel does not grow much. "make
check-series" runs only these, in about an hour when nothing is cached. A test that has passed is not run again until
something changes that it depends on.
"""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import arch as architectures
from lab import vm
from lab.built import digest
from lab.groups import Group, once
from lab.kernel import Build, builds_without_warnings, make, not_taken, warnings_of
from lab.paths import BUILD, GUEST, TOP
from patchset import mail, patches
from patchset.git import git
from patchset.tree import base_ref, series_ref

pytestmark = pytest.mark.timeout(0)

SERIES = [Group("each_patch", "full")]

GROWTH_LIMIT = 6144
"""By how many bytes the kernel's text may grow."""

CONFIGURATIONS = {
    "counter_off": ["IMA_UPDATE_COUNTER=n"],
    "ima_off": ["IMA=n"],
    "tpm_module": ["IMA=n", "MODULES=y", "TCG_TPM=m"],
    "tpm_off": ["IMA=n", "TCG_TPM=n"],
    "kexec_file_off": ["KEXEC_FILE=n"],
    "ima_kexec_off": ["IMA_KEXEC=n"],
    "hmac_on": ["TCG_TPM2_HMAC=y"],
    "suspend_off": ["SUSPEND=n"],
}

ARCHITECTURES = ["arm64", "ppc64le"]

NEEDED_ELSEWHERE = ["SECURITY=y", "SECURITYFS=y", "INTEGRITY=y", "IMA=y", "IMA_KEXEC=y", "IMA_UPDATE_COUNTER=y",
                    "KEXEC_FILE=y", "TCG_TPM=y", "TCG_TPM2_HMAC=y", "SUSPEND=y"]
"""What the default configuration of another architecture may lack. Some architectures lack a symbol."""


@dataclass(frozen=True)
class Checkout:
    """A separate work tree of the series, to build any of its commits."""

    base: str
    source: Path
    config: Path
    out: Path
    tools: str
    """A digest of what a result depends on, besides the source."""

    @property
    def start(self) -> str:
        return base_ref(self.base)

    @property
    def end(self) -> str:
        return series_ref(self.base)

    def once(self, name: str, commit: str, check: Callable[[], None]) -> None:
        """Check out a commit and run check, unless that has passed on the same source."""
        passed = self.out / f"{name}.passed"
        key = digest(git(self.source, "rev-parse", f"{commit}^{{tree}}"), self.tools)
        if passed.exists() and passed.read_text(encoding="ascii") == key:
            print(f"{name} has passed on the same source")
            return
        self.check_out(commit)
        check()
        passed.write_text(key, encoding="ascii")

    def check_out(self, commit: str) -> None:
        git(self.source, "checkout", "--quiet", "--force", "--detach", commit)

    def set_symbols(self, obj: Path, *symbols: str) -> None:
        for symbol in symbols:
            subprocess.run([self.source / "scripts" / "config", "--file", obj / ".config", "--set-val",
                            *symbol.split("=")], check=True)

    def configure(self, obj: Path, *symbols: str) -> None:
        """Configure as the tests do, except for these symbols, given as NAME=VALUE."""
        obj.mkdir(parents=True, exist_ok=True)
        (obj / ".config").write_bytes(self.config.read_bytes())
        self.set_symbols(obj, *symbols)
        make(self.source, obj, "-s", "olddefconfig")
        wanted = "".join(f"CONFIG_{symbol}\n" for symbol in symbols)
        assert not_taken(wanted, (obj / ".config").read_text(encoding="utf-8")) == []

    def build(self, obj: Path, start: str, end: str, *targets: str) -> None:
        """Build targets. Lines that start..end has changed must have no warning."""
        assert warnings_of(self.source, start, end, make(self.source, obj, "-s", *targets)) == []


@pytest.fixture
def checkout(group: Group, kernel: Build) -> Checkout:
    def prepare() -> Checkout:
        out = BUILD / group.base / "check-series"
        source = out / "linux"
        if not (source / "Makefile").exists():
            git(kernel.tree, "worktree", "prune")
            git(kernel.tree, "worktree", "add", "--quiet", "--force", "--detach", source, series_ref(group.base))
        config = kernel.obj / ".config"
        tools = [Path(__file__), TOP / "tests/lab/kernel.py", GUEST / "boots.sh", config]
        return Checkout(group.base, source, config, out, digest(*(tool.read_bytes() for tool in tools)))

    return once(group.id, prepare)


def names(group: Group) -> list[str]:
    """Return the patches' names, as TOPIC/NUMBER-SUBJECT."""
    return [f"{patch.parts[-3]}/{patch.stem}" for patch in patches.patches(group.base)]


@pytest.mark.groups(SERIES, names)
def test_patch_builds_without_warnings_and_boots(group: Group, line: str, checkout: Checkout) -> None:
    commits = git(checkout.source, "rev-list", "--reverse", f"{checkout.start}..{checkout.end}").split()
    commit = commits[names(group).index(line)]
    obj = checkout.out / "patch"

    def builds_and_boots() -> None:
        checkout.configure(obj)
        checkout.build(obj, f"{commit}^", commit, "bzImage")
        booted = vm.run(vm.Machine(kernel=obj / architectures.get("x86_64").image, script=GUEST / "boots.sh",
                                   out=checkout.out / "boot", append="ima_policy=tcb ima_policy=critical_data"))
        assert booted.status == 0, booted.said
        assert not re.search(r"WARNING:|BUG:|Oops|Call Trace", booted.console.read_text(errors="replace"))
        assert builds_without_warnings(checkout.source, obj, f"{commit}^", commit, "C=1") == []

    checkout.once(f"patch-{line.replace('/', '-')}", commit, builds_and_boots)


@pytest.mark.groups(SERIES, lambda group: CONFIGURATIONS)
def test_series_builds_without_warnings(line: str, checkout: Checkout) -> None:
    obj = checkout.out / "config"

    def builds() -> None:
        checkout.configure(obj, *CONFIGURATIONS[line])
        checkout.build(obj, checkout.start, checkout.end, "vmlinux")
        if "MODULES=y" in CONFIGURATIONS[line]:
            checkout.build(obj, checkout.start, checkout.end, "modules")

    checkout.once(f"config-{line}", checkout.end, builds)


@pytest.mark.groups(SERIES, lambda group: ARCHITECTURES)
def test_series_compiles_without_warnings(line: str, checkout: Checkout) -> None:
    """Only the files that the series touches are compiled."""
    facts = architectures.get(line)
    obj = checkout.out / line
    options = (f"ARCH={facts.kernel_arch}", f"CROSS_COMPILE={facts.cross}")

    def compiles() -> None:
        make(checkout.source, obj, "-s", *options, facts.defconfig, cross=facts.cross)
        checkout.set_symbols(obj, *NEEDED_ELSEWHERE)
        make(checkout.source, obj, "-s", *options, "olddefconfig", cross=facts.cross)
        config = (obj / ".config").read_text(encoding="utf-8")
        assert not_taken("CONFIG_IMA_UPDATE_COUNTER=y\nCONFIG_IMA_KEXEC=y\n", config) == []
        assert builds_without_warnings(checkout.source, obj, checkout.start, checkout.end, *options,
                                       cross=facts.cross) == []

    checkout.once(f"arch-{line}", checkout.end, compiles)


@pytest.mark.groups(SERIES)
def test_get_maintainer_names_somebody_for_each_patch(checkout: Checkout) -> None:
    def has_somebody() -> None:
        mails = [file for file in sorted(mail.mail(checkout.base).glob("0*.patch")) if "-cover-letter" not in file.name]
        assert mails
        nobody = [file.name for file in mails if not subprocess.run(
            ["scripts/get_maintainer.pl", "--no-git", "--no-git-fallback", "--no-rolestats", file],
            cwd=checkout.source, check=True, stdout=subprocess.PIPE).stdout.strip()]
        assert nobody == []

    checkout.once("maintainers", checkout.end, has_somebody)


@pytest.mark.groups(SERIES)
def test_kernel_grows_little(checkout: Checkout) -> None:
    """Unit tests are left out, because a kernel that people use has none."""

    def grows_little() -> None:
        for name, commit in (("base", checkout.start), ("series", checkout.end)):
            obj = checkout.out / f"size-{name}"
            checkout.check_out(commit)
            checkout.configure(obj, "KUNIT=n")
            config = (obj / ".config").read_text(encoding="utf-8")
            assert ("CONFIG_IMA_UPDATE_COUNTER=y\n" in config) == (name == "series")
            make(checkout.source, obj, "-s", "vmlinux")
        table = subprocess.run(
            [checkout.source / "scripts" / "bloat-o-meter", "-t", checkout.out / "size-base" / "vmlinux",
             checkout.out / "size-series" / "vmlinux"], check=True, stdout=subprocess.PIPE, text=True).stdout
        total = re.search(r"^Total: Before=(\d+), After=(\d+),", table, re.M)
        assert total, table
        grown = int(total[2]) - int(total[1])
        print(f"the kernel's text grows by {grown} bytes")
        assert grown <= GROWTH_LIMIT, table

    checkout.once("size", checkout.end, grows_little)
