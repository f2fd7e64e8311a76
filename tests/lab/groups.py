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
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lab import kernel
from lab.paths import BUILD
from patchset.patches import BASES

# In this order: each is part of the ones after it
SETS = ("quick", "check", "full")


@dataclass
class Settings:
    """What the command line says, see conftest.py."""
    bases: tuple[str, ...] = BASES
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
    # The one that it runs on, "" before that is known
    base: str = ""

    @property
    def id(self) -> str:
        return f"{self.base}-{self.name}" if self.bases else self.name

    @property
    def folder(self) -> Path:
        return settings.out / (self.base if self.bases else "") / self.name

    def fresh_folder(self) -> Path:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        return self.folder

    def on_bases(self) -> list["Group"]:
        """This group for each base that it is to run on. Daily work needs one base only."""
        bases = [base for base in settings.bases if base in self.bases] if self.bases else settings.bases[:1]
        return [replace(self, base=base, set="check" if self.set == "quick" and base != settings.bases[0] else self.set)
                for base in bases]

    def kernel(self) -> kernel.Build:
        config = re.sub(r"^vm\b", settings.config, self.config)
        if settings.image:
            return kernel.Build.of_image(settings.image, self.base, config)
        return once(("kernel", self.base, config), lambda: kernel.build(self.base, config, checkout=settings.checkout))


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
