# SPDX-License-Identifier: GPL-2.0-only
"""
Tests of the verifier as its users have it: the command, the library, the packages.

A test that uses the fixture "verifier" runs on the plain build in each set and, from "check" on, on the one with the
compiler's sanitizers. In a module that says its own set, it runs on the plain build only.
"""

import shutil

import pytest

from lab import groups, verifier as builds
from lab.groups import once, settings
from patchset.console import Failed, say

# The smallest set that tests on a build are part of
SETS = {builds.PLAIN: "quick", builds.SANITIZED: "check"}


def variant(module, build, smallest_set):
    marks = [pytest.mark.xdist_group(f"{module}-{build.name}")]
    if smallest_set:
        marks.append(getattr(pytest.mark, smallest_set))
    return pytest.param(build, id=build.name, marks=marks)


def pytest_generate_tests(metafunc):
    if "verifier" not in metafunc.fixturenames or metafunc.definition.get_closest_marker("groups"):
        return
    module = metafunc.module.__name__.rpartition(".")[2].removeprefix("test_")
    has_set = any(metafunc.definition.get_closest_marker(name) for name in groups.SETS)
    if settings.verifier:
        found = [variant(module, builds.BUILDS[settings.verifier], None if has_set else "quick")]
    elif has_set:
        found = [variant(module, builds.PLAIN, None)]
    else:
        found = [variant(module, build, name) for build, name in SETS.items()]
    metafunc.parametrize("verifier", found, indirect=True, scope="session")


def build_of(item):
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return params.get("verifier") or getattr(params.get("group"), "verifier", None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session):
    """Build before tests: those have time limits."""
    if not session.config.option.collectonly:
        for build in dict.fromkeys(build_of(item) for item in session.items):
            if build:
                try:
                    built(build)
                except Failed as error:
                    # The items that need it fail with the same
                    say(str(error))


def pytest_collection_modifyitems(config, items):
    """Where one build is asked for, what is not about a build is of no interest."""
    if settings.verifier:
        others = [item for item in items if not build_of(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if build_of(item)]


def built(build):
    once(("tests", build.name), build.build_tests)
    return build


@pytest.fixture(scope="session")
def verifier(request):
    """A build of the verifier, with the programs of its tests."""
    return built(request.param)


@pytest.fixture(scope="session")
def tpm_tools():
    """A software TPM can be run and used here."""
    for program in ("swtpm", "swtpm_setup", "tpm2_checkquote"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
