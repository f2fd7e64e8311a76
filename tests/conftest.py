# SPDX-License-Identifier: GPL-2.0-only
"""What pytest is told about the lab: options, groups, the order of work, the last line."""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from lab import arch as architectures
from lab import image, selftests, verifier
from lab.groups import Group, once, settings
from lab.paths import BUILD
from lab.process import CannotRun
from patchset import console
from patchset.console import Failed, say
from patchset.patches import BASES

# A time limit of items that boot no machine
SECONDS_WITH_FIXTURES = 600
# What an item runs on that names no group
ANY_KERNEL = Group("any", bases=())


def pytest_addoption(parser):
    lab = parser.getgroup("lab")
    lab.addoption("--base", choices=BASES, help="run on this kernel base only")
    lab.addoption("--arch", choices=architectures.bootable(), help="of what boots a machine, run on this architecture only")
    lab.addoption("--config", dest="kernel_config", default="vm", metavar="NAMES",
                  help="use this configuration in place of \"vm\", such as vm,debug")
    lab.addoption("--kernel", type=Path, metavar="FILE", help="run on this kernel instead of building one")
    lab.addoption("--verifier", choices=tuple(verifier.BUILDS), help="run on this build of the verifier only")
    lab.addoption("--checkout", type=Path, metavar="DIR",
                  help="build the kernels from this work tree of the series, beside it")
    lab.addoption("--boots", type=int, default=20, metavar="N", help="machines of the test of standstills (20)")
    lab.addoption("--out", type=Path, default=BUILD / "check", metavar="DIR", help="folder for what runs leave")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    settings.bases = (config.option.base,) if config.option.base else BASES
    settings.arch = config.option.arch
    settings.config = config.option.kernel_config
    settings.image = config.option.kernel and config.option.kernel.resolve(strict=True)
    settings.verifier = config.option.verifier
    settings.checkout = config.option.checkout and config.option.checkout.resolve(strict=True)
    settings.out = config.option.out.resolve()
    settings.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(BUILD / "hypothesis"))
    if not config.option.xmlpath and not config.option.collectonly:
        config.option.xmlpath = str(settings.out / "junit.xml")
    # Progress of builds is for people, and not to be captured
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        console.stream = os.fdopen(os.dup(2), "w", encoding="utf-8")


# ---- Groups are made items

def marks(group: Group) -> list[pytest.MarkDecorator]:
    return [getattr(pytest.mark, group.set), pytest.mark.xdist_group(group.id)]


def parameters(table: Iterable[Group], lines: Callable[[Group], Iterable[str]] | None = None) -> tuple[str, list]:
    """For parametrize(): the names of a test's parameters, and their values for each item."""
    found = [group for row in table for group in row.on_bases()]
    if lines is None:
        return "group", [pytest.param(group, id=group.id, marks=marks(group)) for group in found]
    return "group,line", [pytest.param(group, line, id=f"{group.id}-{line}", marks=marks(group))
                          for group in found for line in lines(group)]


def pytest_generate_tests(metafunc):
    mark = metafunc.definition.get_closest_marker("groups")
    if mark:
        metafunc.parametrize(*parameters(*mark.args, **mark.kwargs))


def pytest_collection_modifyitems(config, items):
    """A table may have no group for the base or the architecture that is asked for. pytest makes an item of that, too."""
    empty = [item for item in items if hasattr(item, "callspec") and "group" in item.callspec.params
             and not isinstance(item.callspec.params["group"], Group)]
    if empty:
        config.hook.pytest_deselected(items=empty)
        items[:] = [item for item in items if item not in empty]
    for item in items:
        if not is_of_group(item) and not item.get_closest_marker("timeout"):
            # With its fixtures: one that never ends would hold up the whole run
            item.add_marker(pytest.mark.timeout(SECONDS_WITH_FIXTURES, func_only=False))


# ---- Builds come before tests: those have time limits, and a machine is slow beside a compiler

@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session):
    if session.config.option.collectonly:
        return
    for item in session.items:
        try:
            if "kernel" in item.fixturenames:
                group_of(item).kernel()
                image.initramfs(group_of(item).arch)
            if "selftest_programs" in item.fixturenames:
                build_selftests(group_of(item).arch)
            if "imatally" in item.fixturenames:
                once("verifier", verifier.build)
            if "guest_imatally" in item.fixturenames:
                build_guest_imatally(group_of(item).arch)
        except (Failed, CannotRun) as error:
            # The items that need it fail with the same
            say(str(error))


def is_of_group(item) -> bool:
    return hasattr(item, "callspec") and "group" in item.callspec.params


def group_of(item) -> Group:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return params.get("group") or replace(ANY_KERNEL, base=settings.bases[0])


def build_selftests(arch: str) -> Path:
    return once(("selftests", arch), lambda: selftests.build(settings.bases[0], arch))


def build_guest_imatally(arch: str) -> Path:
    build = verifier.of_arch(arch)
    once(("verifier", arch), build.build)
    return build.code


@pytest.fixture
def kernel(request):
    """The kernel of the item's group, or of the first base."""
    return group_of(request.node).kernel()


@pytest.fixture
def selftest_programs(request):
    """The folder of the kernel's selftests, as static programs for the item's machine."""
    return build_selftests(group_of(request.node).arch)


@pytest.fixture
def imatally():
    """The verifier's path; it is built."""
    return once("verifier", verifier.build)


@pytest.fixture
def guest_imatally(request):
    """The same for the item's machine."""
    return build_guest_imatally(group_of(request.node).arch)


# ---- The groups that took longest the last time come first, so that none runs alone at the end

def durations_file() -> Path:
    return settings.out / "durations.json"


def scope_of(nodeid: str) -> str:
    """As --dist loadgroup has it."""
    return nodeid.rsplit("@", 1)[1] if nodeid.rfind("@") > nodeid.rfind("]") else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadGroupScheduling

    try:
        known = json.loads(durations_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}

    class LongestFirst(LoadGroupScheduling):
        def _assign_work_unit(self, node):
            # One that is not known may take long
            self.workqueue.move_to_end(max(self.workqueue, key=lambda scope: known.get(scope, 1e9)), last=False)
            super()._assign_work_unit(node)

    return LongestFirst(config, log) if config.option.dist == "loadgroup" else None


class Reporter:
    """In the process that reports: how long each group took, and the last line."""

    def __init__(self):
        self.seconds = defaultdict(float)

    def pytest_runtest_logreport(self, report):
        self.seconds[scope_of(report.nodeid)] += report.duration

    def pytest_unconfigure(self, config):
        try:
            known = json.loads(durations_file().read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        known.update((scope, round(seconds, 1)) for scope, seconds in self.seconds.items())
        durations_file().write_text(json.dumps(known, indent=0, sort_keys=True), encoding="utf-8")
        stats = config.pluginmanager.getplugin("terminalreporter").stats
        count = {kind: len(stats.get(kind, ())) for kind in ("passed", "failed", "error", "skipped", "xfailed", "xpassed")}
        print(f"{count['passed']} passed, {count['failed'] + count['error'] + count['xpassed']} failed, "
              f"{count['skipped'] + count['xfailed']} skipped")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session):
    if not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        session.config.pluginmanager.register(Reporter(), "lab-reporter")
