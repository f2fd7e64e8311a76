# SPDX-License-Identifier: GPL-2.0-only
"""The unit tests in C, in tools/ima/tests."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab import cmocka
from lab.groups import Group, once, settings
from lab.verifier import BUILDS, EMULATED, PLAIN, SANITIZED, Verifier


@dataclass(frozen=True)
class Program(Group):
    bases: tuple[str, ...] = ()
    source: Path = Path()
    verifier: Verifier = field(default=PLAIN)


def programs_of(verifier, smallest_set):
    return [Program(f"{source.stem}-{verifier.name}", smallest_set, source=source, verifier=verifier)
            for source in cmocka.programs()]


PROGRAMS = programs_of(BUILDS[settings.verifier], "quick") if settings.verifier else \
    programs_of(PLAIN, "quick") + programs_of(SANITIZED, "check") + \
    [program for build in EMULATED.values() for program in programs_of(build, "full")]


def cases(program):
    return cmocka.cases(program.source)


@pytest.fixture
def verifier(group):
    """What these programs are a part of, for it to be built first."""
    once(("tests", group.verifier.name), group.verifier.build_tests)
    return group.verifier


@pytest.fixture
def ran(group, verifier):
    return once(group.id, lambda: cmocka.run(verifier, group.source))


@pytest.mark.groups(PROGRAMS, cases)
def test_case(ran, line):
    found = ran.line(line)
    assert found.ok, found.output
    if found.skip is not None:
        pytest.skip(found.skip)


@pytest.mark.groups(PROGRAMS)
def test_every_line_is_known(ran, group):
    assert sorted(ran.names) == sorted(cases(group))


@pytest.mark.groups(PROGRAMS)
def test_program_ends_well(ran):
    assert ran.status == 0, ran.text
