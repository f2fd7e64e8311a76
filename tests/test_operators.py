# SPDX-License-Identifier: GPL-2.0-only
"""Mutants that are made by operators."""

from pathlib import Path

import pytest

from lab import operators

pytestmark = pytest.mark.quick

SOURCE = """\
/* if (a < 1) return; */
#define MACRO(x) do { if (x) foo(1); } while (0)
static const struct row rows[] = { { 1, true }, };

static int fun(struct list *list, int a)
{
	static const char text[] = "a < 1; b;";
	u8 sum[] = { 3 };
	int i;

	if (a < 1 &&
	    list)
		return -EIO;
	for (i = 0; i != a; i++)
		call(list,
		     i);
	switch (a) {
	case 2:
		break;
	default:
		goto out;
	}
	a = list ? one(a, 4) : two;
out:
	return a ?: 5;
}
"""

EXPECTED = """\
8 constant: u8 sum[] = { (3 + 1) };
11 negate: if (!(a < 1 &&
11 boundary: if (a <= 1 &&
11 constant: if (a < (1 + 1) &&
11 logic: if (a < 1 ||
13 delete: ;
14 constant: for (i = (0 + 1); i != a; i++)
14 boundary: for (i = 0; i == a; i++)
15 delete: 
18 constant: case (2 + 1):
19 delete: ;
21 delete: ;
23 delete: ;
23 swap: a = list ? two : one(a, 4);
23 constant: a = list ? one(a, (4 + 1)) : two;
25 delete: ;
25 constant: return a ?: (5 + 1);
"""


def changed(change: operators.Change) -> list[str]:
    return (SOURCE[:change.start] + change.new + SOURCE[change.end:]).splitlines()


def made() -> list[operators.Change]:
    return operators.changes("f.c", SOURCE, range(1, 100))


def test_each_operator_makes_its_edits_in_functions_alone() -> None:
    found = "".join(f"{change.line} {change.operator}: {changed(change)[change.line - 1].strip()}\n" for change in made())
    assert found == EXPECTED
    assert {change.function for change in made()} == {"fun"}


def test_edits_keep_the_lines_where_they_are() -> None:
    assert {len(changed(change)) for change in made()} == {len(SOURCE.splitlines())}


def test_only_wanted_lines_are_edited() -> None:
    assert [str(change) for change in operators.changes("f.c", SOURCE, [13])] == ["f.c:13: delete: return -EIO; (in fun)"]


def test_change_is_applied(tmp_path: Path) -> None:
    (tmp_path / "f.c").write_text(SOURCE, encoding="utf-8")
    change, = operators.changes("f.c", SOURCE, [13])
    change.apply(tmp_path)
    assert (tmp_path / "f.c").read_text(encoding="utf-8") == SOURCE.replace("return -EIO;", ";")
