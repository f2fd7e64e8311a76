# SPDX-License-Identifier: GPL-2.0-only
"""
Groups: test items that share one run, such as one boot of a machine.

A test module has a table of them, of this class or of its own class that is derived from it, and says
@pytest.mark.groups(TABLE) for each test: it gets an item for each group and base, with the group as the fixture
"group". With @pytest.mark.groups(TABLE, lines) it gets one for each line as well, as the fixture "line", where
lines(group) gives their names. The first item of a group runs it, by once(), and the others find what it left.
"""

import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from lab import arch as architectures
from lab import kernel
from lab.arch import DEFAULT_ARCH
from lab.paths import BUILD
from patchset.patches import BASES

# In this order: each is part of the ones after it
SETS = ("quick", "check", "full")


@dataclass
class Settings:
    """What the command line says, see conftest.py."""
    bases: tuple[str, ...] = BASES
    # The only architecture, if there is one
    arch: str | None = None
    config: str = "vm"
    image: Path | None = None
    verifier: str | None = None
    checkout: Path | None = None
    out: Path = BUILD / "check"


settings = Settings()


@dataclass(frozen=True)
class Group:
    name: str
    # The smallest set that it is part of
    set: str = "check"
    # Those that it runs on; () if it runs once
    bases: tuple[str, ...] = BASES
    # The kernel's configuration
    config: str = "vm"
    arch: str = DEFAULT_ARCH
    # The one that it runs on, "" before that is known
    base: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        """Its name, with the base and the architecture that it runs on where there is a choice."""
        return (*([self.base] if self.bases else []), *([] if self.arch == DEFAULT_ARCH else [self.arch]), self.name)

    @property
    def id(self) -> str:
        return "-".join(self.path)

    @property
    def folder(self) -> Path:
        return settings.out.joinpath(*self.path)

    def fresh_folder(self) -> Path:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        return self.folder

    def on_bases(self) -> list["Group"]:
        """
        This group for each base that it is to run on.

        Daily work needs one base only, and so do other architectures in a check.
        """
        if settings.arch not in (None, self.arch):
            return []
        bases = [base for base in settings.bases if base in self.bases] if self.bases else settings.bases[:1]
        later = {"quick": "check"} | ({} if self.arch == DEFAULT_ARCH else {"check": "full"})
        return [replace(self, base=base, set=self.set if base == settings.bases[0] else later.get(self.set, self.set))
                for base in bases]

    def fits(self, machine: architectures.Arch) -> bool:
        """Can it run on a machine of that architecture? Those have one kernel configuration."""
        return self.config == "vm"

    def kernel(self) -> kernel.Build:
        config = re.sub(r"^vm\b", settings.config, self.config)
        if settings.image:
            return kernel.Build.of_image(settings.image, self.base, config, self.arch)
        return once(("kernel", self.base, config, self.arch),
                    lambda: kernel.build(self.base, config, self.arch, checkout=settings.checkout))


AnyGroup = TypeVar("AnyGroup", bound=Group)


def elsewhere(table: Iterable[AnyGroup], *checked: str) -> list[AnyGroup]:
    """
    The groups of a table on the other architectures, where their machines have what it takes.

    They are in the set "full"; those that @checked names are in "check".
    """
    return [replace(group, arch=arch.name, set="check" if group.name in checked else "full")
            for arch in map(architectures.get, architectures.bootable()[1:]) for group in table if group.fits(arch)]


_done: dict[Any, tuple[Any, BaseException | None]] = {}


def once(key: Any, action: Callable[[], Any]) -> Any:
    """What @action returned, or raised, when it was called for this key; it is called only once."""
    if key not in _done:
        try:
            _done[key] = (action(), None)
        except Exception as error:  # whatever it is: each item of the group fails with it
            _done[key] = (None, error)
    value, problem = _done[key]
    if problem:
        raise problem
    return value
