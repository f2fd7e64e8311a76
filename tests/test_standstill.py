# SPDX-License-Identifier: GPL-2.0-only
"""
A machine that loads and executes a kernel never stands still.

One did in about 100 runs, on QEMU 10: a few runs prove nothing. "make check-full T=standstill BOOTS=300" does more.
"""

import shutil

import pytest

from lab import carry
from lab.groups import settings

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]


def pytest_generate_tests(metafunc):
    # Each is on its own, so that two machines run side by side
    metafunc.parametrize("number", range(1, metafunc.config.option.boots + 1))


def test_kexec_without_a_standstill(kernel, number):
    carried = carry.boot(kernel.image, settings.out / "standstill" / str(number), carry.RUNS["overflow"])
    carried.check_end()
    assert not carried.result.stood, str(carried.result)
    # Of hundreds of runs only those that show something are of use
    shutil.rmtree(carried.out)
