# SPDX-License-Identifier: GPL-2.0-only
"""The names of the tests that a source in C has, before anything is compiled or run."""

import re
from pathlib import Path

FIXTURE_TEST = re.compile(r"^TEST_F(?:_TIMEOUT|_SIGNAL)?\((\w+),\s*(\w+)", re.M)
SINGLE_TEST = re.compile(r"^TEST(?:_SIGNAL)?\((\w+)", re.M)
VARIANT = re.compile(r"^FIXTURE_VARIANT_ADD\((\w+),\s*(\w+)\)", re.M)


def text_of(*paths: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def kselftest(path: Path) -> list[str]:
    """Names as the kernel's test harness prints them: global.TEST, FIXTURE.TEST or FIXTURE.VARIANT.TEST."""
    text = text_of(path)
    variants: dict[str, list[str]] = {}
    for fixture, variant in VARIANT.findall(text):
        variants.setdefault(fixture, []).append(variant)
    found = [f"global.{test}" for test in SINGLE_TEST.findall(text)]
    for fixture, test in FIXTURE_TEST.findall(text):
        found += [f"{fixture}.{variant}.{test}" for variant in variants[fixture]] if fixture in variants else \
            [f"{fixture}.{test}"]
    return found


def kunit(path: Path) -> list[str]:
    """SUITE.CASE of each suite in the file."""
    text = text_of(path)
    cases = {array: re.findall(r"KUNIT_CASE\w*\((\w+)", body) for array, body in
             re.findall(r"struct kunit_case (\w+)\[\] = \{(.*?)^\};", text, re.M | re.S)}
    found = []
    for body in re.findall(r"struct kunit_suite \w+ = \{(.*?)^\};", text, re.M | re.S):
        field = dict(re.findall(r'\.(name|test_cases)\s*=\s*"?(\w+)', body))
        found += [f"{field['name']}.{case}" for case in cases[field["test_cases"]]]
    return found


def cmocka(path: Path) -> list[str]:
    """The functions in a table of cmocka's, in its order. A file may have a macro of its own for an element."""
    text = text_of(path)
    own = re.findall(r"^#define (\w+)\(\w+\)\s+cmocka_unit_test", text, re.M)
    element = "|".join([r"cmocka_unit_test\w*", *own])
    return re.findall(rf"^\s+(?:{element})\((\w+)", text, re.M)
