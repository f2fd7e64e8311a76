# SPDX-License-Identifier: GPL-2.0-only

import pytest

from lab import selftests
from lab.groups import once


@pytest.fixture
def ran(group, kernel, selftest_programs, imatally):
    """The group, a variant of the selftests, when it has run."""
    return once(group.id, lambda: selftests.run(group, selftest_programs))
