# SPDX-License-Identifier: GPL-2.0-only
"""
The verifier's answers about histories of a modelled machine, and about the lists of modelled attackers.

    IMA_MODEL_EXAMPLES=N    how many of each kind, in one item (the set "full" has several items of each kind)
    IMA_MODEL_SEED=N        which ones
    IMA_MODEL_SAVE=DIR      write the smallest wrong answer of an item as a list, PCR values and what to expect
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from lab import verifier as builds
from lab.groups import once
from model import cases, command, driver, strategies

# Histories of each kind in an item: 2,500 in "check", 125,000 in "full"
EXAMPLES = {"histories": 600, "carriers": 600, "stories": 500, "roots": 300, "buses": 100, "copies": 400}
COMMANDED = 15
ITEMS_IN_FULL, EXAMPLES_IN_FULL = 5, {name: 10 * count for name, count in EXAMPLES.items()}
SEED = int(os.environ.get("IMA_MODEL_SEED", "0"))

def build() -> driver.Library:
    verifier = builds.PLAIN
    verifier.make("building the verifier's library", "lib")
    return driver.Library(driver.build(builds.SOURCE, verifier.objects))


@pytest.fixture(scope="module")
def library() -> driver.Library:
    return once("model", build)


def items():
    for name, examples in EXAMPLES.items():
        yield pytest.param(name, 0, examples, id=name, marks=pytest.mark.check)
        for number in range(1, ITEMS_IN_FULL + 1):
            yield pytest.param(name, number, EXAMPLES_IN_FULL[name], id=f"{name}-{number}", marks=pytest.mark.full)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind,number,examples", items())
def test_no_answer_is_wrong(library, kind, number, examples):
    examples = int(os.environ.get("IMA_MODEL_EXAMPLES", examples))
    save = os.environ.get("IMA_MODEL_SAVE")

    @seed(SEED * 1000 + number)
    @settings(max_examples=examples, deadline=None, database=None, phases=(Phase.generate, Phase.shrink),
              suppress_health_check=list(HealthCheck), print_blob=False)
    @given(getattr(strategies, kind))
    def no_answer_is_wrong(history):
        wrong = cases.KINDS[kind](library, history)
        if wrong and save:
            # The smallest comes last
            wrong[0].save(Path(save) / f"{kind}-{number}")
        assert not wrong, str(wrong[0])

    no_answer_is_wrong()


@pytest.mark.check
def test_the_command_answers_as_the_library(library, tmp_path_factory):
    @seed(SEED)
    @settings(max_examples=COMMANDED, deadline=None, database=None, phases=(Phase.generate, Phase.shrink),
              suppress_health_check=list(HealthCheck), print_blob=False)
    @given(strategies.histories)
    def answers_as_the_library(history):
        assert not command.differences(library, builds.PLAIN.binary, tmp_path_factory.mktemp("list"), history)

    builds.PLAIN.build()
    answers_as_the_library()
