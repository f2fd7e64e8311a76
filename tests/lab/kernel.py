# SPDX-License-Identifier: GPL-2.0-only
"""
Builds kernels: a base with the series or without it, in a configuration.

The configuration is allnoconfig, the fragments tests/configs/NAME.config, with NAME-BASE.config and NAME-ARCH.config if
they are there, and what the selftests need. The compiler's results are kept in a ccache outside of the checkout.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab import arch as architectures
from lab.built import digest, is_current
from lab.paths import BUILD, CACHE, CONFIGS, SELFTESTS, TOP
from patchset.console import Failed, run_long, say
from patchset.git import git
from patchset.lock import locked
from patchset.patches import DEFAULT_BASE
from patchset.tree import base_ref, tree


@dataclass(frozen=True)
class Build:
    base: str
    config: str
    # The source, and the folder that it is built in
    tree: Path
    obj: Path
    image: Path

    @staticmethod
    def of_image(image: Path, base: str, config: str, arch: str) -> "Build":
        """A kernel that somebody else has built."""
        image = Path(image).resolve(strict=True)
        return Build(base, config, BUILD / base / "linux", architectures.get(arch).obj_of(image), image)


def environment() -> dict[str, str]:
    """
    For make_argv(): have the compiler's results in the cache, and nothing of this machine in the kernel.

    With CCACHE_BASEDIR, a checkout at another path finds the same objects.
    """
    return os.environ | {
        "CCACHE_DIR": str(CACHE / "ccache"), "CCACHE_MAXSIZE": "10G", "CCACHE_BASEDIR": str(TOP), "CCACHE_NOHASHDIR": "1",
        "KBUILD_BUILD_TIMESTAMP": "@0", "KBUILD_BUILD_USER": "ima", "KBUILD_BUILD_HOST": "ima"}


def make_argv(source: Path, obj: Path, *args: str, cross: str = "") -> list[str]:
    """The command that makes @args of the kernel @source in @obj, to be run in environment()."""
    obj.mkdir(parents=True, exist_ok=True)
    return ["make", "-C", str(source), f"O={obj}", f"CC=ccache {cross}gcc", "HOSTCC=ccache gcc", "LOCALVERSION=",
            f"-j{os.cpu_count()}", *args]


def fragments(base: str, config: str, arch: str, vanilla: bool) -> list[Path]:
    found = []
    for name in config.split(","):
        if not (CONFIGS / f"{name}.config").exists():
            raise Failed(f"there is no tests/configs/{name}.config")
        found += [CONFIGS / f"{part}.config" for part in (name, f"{name}-{base}", f"{name}-{arch}")]
    if not vanilla and "off" not in config.split(","):
        found += [SELFTESTS / "config", CONFIGS / "series.config"]
    return [file for file in found if file.exists()]


def counted_files(kernel: Build) -> list[str]:
    """The options to make that have the lines of the series counted: CONFIG_GCOV_KERNEL alone counts nothing."""
    files = git(kernel.tree, "diff", "--name-only", base_ref(kernel.base), "--", "*.c", ":!tools", ":!*[-_]test.c").split()
    return [f"GCOV_PROFILE_{Path(file).stem}.o=y" for file in files]


def not_taken(wanted: str, config: str) -> list[str]:
    """The symbols of @wanted that an unmet dependency has taken away from @config; both are text of that kind."""
    lines = set(config.splitlines())
    missing = []
    for line in wanted.splitlines():
        if not line.startswith("CONFIG_"):
            continue
        symbol, _, value = line.partition("=")
        taken = not any(other.startswith(f"{symbol}=") for other in lines) if value == "n" else line in lines
        missing += [] if taken else [line]
    return missing


def build(base: str, config: str = "vm", arch: str = architectures.DEFAULT_ARCH, vanilla: bool = False,
          checkout: Path | None = None) -> Build:
    """
    Build the kernel of a base, unless it is there and nothing has changed.

    @config: names of fragments, separated by commas; @vanilla: without the series; @checkout: another work tree of the
    series, to build beside it.
    """
    facts = architectures.get(arch)
    files = fragments(base, config, arch, vanilla)
    source = checkout or tree(base)
    prefix = ("" if arch == architectures.DEFAULT_ARCH else f"{arch}-") + ("vanilla-" if vanilla else "")
    obj = source.parent / (prefix + config.replace(",", "-"))
    done = Build(base, config, source, obj, obj / facts.image)
    if not shutil.which(f"{facts.cross}gcc"):
        raise Failed(f"{facts.cross}gcc is not installed; scripts/deps {facts.deps} installs what is missing")
    with locked(obj):
        # Edits in the tree count even when they are not committed
        origin = [git(source, "rev-parse", base_ref(base))] if vanilla else \
            [git(source, "rev-parse", "HEAD"), git(source, "diff", "HEAD")]
        compiler = subprocess.run([f"{facts.cross}gcc", "--version"], check=True, stdout=subprocess.PIPE).stdout
        state = digest(*origin, *(file.read_bytes() for file in (Path(__file__), *files)), compiler)
        if not is_current(done.image, obj / "state", state):
            compile_kernel(done, facts, files, vanilla)
            (obj / "state").write_text(state, encoding="ascii")
    return done


def compile_kernel(kernel: Build, facts: architectures.Arch, files: Iterable[Path], vanilla: bool) -> None:
    obj, source, what = kernel.obj, kernel.tree, f"({kernel.base}, {kernel.obj.name})"
    if vanilla:
        source = source.parent / "vanilla"
        if not (source / "Makefile").exists():
            git(kernel.tree, "worktree", "prune")
            git(kernel.tree, "worktree", "add", "--quiet", "--force", "--detach", source, base_ref(kernel.base))

    args = [f"ARCH={facts.kernel_arch}"] + ([f"CROSS_COMPILE={facts.cross}"] if facts.cross else [])
    if "gcov" in kernel.config.split(","):
        args += counted_files(kernel)
    wanted = "".join(file.read_text(encoding="utf-8") for file in files)
    obj.mkdir(parents=True, exist_ok=True)
    (obj / "fragments.config").write_text(wanted, encoding="utf-8")
    run_long(f"configuring the kernel {what}", make_argv(source, obj, *args, "allnoconfig", cross=facts.cross),
             env=environment() | {"KCONFIG_ALLCONFIG": str(obj / "fragments.config")})
    missing = not_taken(wanted, (obj / ".config").read_text(encoding="utf-8"))
    if missing:
        raise Failed(f"the configuration did not take: {' '.join(missing)}")

    say("a kernel takes 8 to 13 minutes when nothing is cached")
    run_long(f"building the kernel {what}", make_argv(source, obj, *args, Path(facts.image).name, cross=facts.cross),
             env=environment())


def changed_lines(source: Path, start: str, end: str) -> set[tuple[str, int]]:
    """The lines of C that start..end has changed, as (file, number)."""
    changed, file = set(), ""
    for line in git(source, "diff", "--unified=0", start, end, "--", "*.[ch]").splitlines():
        if line.startswith("+++ "):
            file = line[len("+++ b/"):]
        hunk = re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line)
        if hunk:
            first, count = int(hunk[1]), int(hunk[2] or 1)
            changed |= {(file, number) for number in range(first, first + count)}
    return changed


def warnings_of(source: Path, start: str, end: str, output: str) -> list[str]:
    """
    The warnings in a build's output that are on lines that start..end has changed.

    What the base warns about is not ours.
    """
    changed = changed_lines(source, start, end)
    found = []
    for line in output.splitlines():
        if "warning:" not in line and "error:" not in line:
            continue
        for name, number in re.findall(r"([\w./+-]+\.[ch]):(\d+):", line):
            # A path is absolute, below ../linux/, or below the source itself
            name = name.removeprefix(f"{source}/")
            name = re.sub(rf"^(\./|\.\./)+({re.escape(source.name)}/)?", "", name)
            if (name, int(number)) in changed:
                found.append(line)
                break
    return found


def make(source: Path, obj: Path, *args: str, cross: str = "") -> str:
    """Run make_argv() and return the output; raises Failed with all of it."""
    done = subprocess.run(make_argv(source, obj, *args, cross=cross), env=environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
    if done.returncode:
        raise Failed(f"make {' '.join(args)}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def builds_without_warnings(source: Path, obj: Path, start: str, end: str, *args: str, cross: str = "") -> list[str]:
    """Compile what the series touches with W=1 and @args, in a folder that is configured; returns our warnings."""
    make(source, obj, "-s", *args, "prepare", cross=cross)
    for pattern in ("security/integrity/ima/*.o", "drivers/char/tpm/*.o", "kernel/kexec_*.o"):
        for old in obj.glob(pattern):
            old.unlink()
    objects = ["security/integrity/ima/", "drivers/char/tpm/"]
    config = (obj / ".config").read_text(encoding="utf-8").splitlines()
    for file in ("kexec_core", "kexec_file"):
        if f"CONFIG_{file.upper()}=y" in config:
            objects.append(f"kernel/{file}.o")
    return warnings_of(source, start, end, make(source, obj, "-s", *args, "W=1", *objects, cross=cross))
