# SPDX-License-Identifier: GPL-2.0-only
"""
Run many histories and attacks, and say which kinds of wrong answers there are:

    PYTHONPATH=tests python3 -m model --examples 10000 --seed 7 --tools tools/ima --objects build/imatally.o --save DIR
"""

import argparse
import collections
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from model import cases, driver, strategies
from model.cases import Wrong


def found_by(name: str, examples: int, start: int, library: driver.Library) -> list[Wrong]:
    found: list[Wrong] = []

    @seed(start)
    @settings(max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(getattr(strategies, name))
    def run(history: object) -> None:
        found.extend(cases.KINDS[name](library, history))

    run()
    return found


def main() -> None:
    top = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(prog="model")
    parser.add_argument("kinds", nargs="*", help="of histories (all)")
    parser.add_argument("--examples", type=int, default=1000, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tools", type=Path, default=top / "tools" / "ima", help="the verifier's sources")
    parser.add_argument("--objects", type=Path, default=top / "build" / "imatally.o", help="where it was built")
    parser.add_argument("--save", type=Path, help="write the smallest wrong answer of each kind as a vector")
    options = parser.parse_args()
    library = driver.Library(driver.build(options.tools, options.objects))
    wrong: dict[tuple[str, ...], list[Wrong]] = collections.defaultdict(list)
    for name in options.kinds or cases.KINDS:
        start = time.process_time()
        for one in found_by(name, options.examples, options.seed, library):
            wrong[one.kind].append(one)
        print(f"{name}: {options.examples} in {time.process_time() - start:.1f} s of CPU time", flush=True)
    for number, (kind, found) in enumerate(sorted(wrong.items(), key=lambda item: (item[1][0].severity, item[0]))):
        least = min(found, key=lambda one: (len(one.story.splitlines()[1]) + sum(map(len, one.parts)) * 10))
        print(f"\n==== {number}: {len(found)} times, severity {least.severity}: {' '.join(kind)}\n{least}")
        if options.save:
            least.save(options.save / f"{number:03}")
    print(f"\n{sum(map(len, wrong.values()))} wrong answers of {len(wrong)} kinds")


if __name__ == "__main__":
    main()
