# SPDX-License-Identifier: GPL-2.0-only
"""The page of a verdict, before a browser sees it."""

import html
import re
import shutil

import pytest

from lab import lists, page


@pytest.fixture
def complete(verifier, tmp_path):
    return lists.short(verifier, tmp_path)


@pytest.fixture
def edited(complete):
    complete.log.write_bytes(complete.log.read_bytes().replace(b"file7\0", b"file8\0"))
    return complete


@pytest.fixture
def long_list(verifier, complete, tmp_path):
    (tmp_path / "long").mkdir()
    return lists.long(verifier, tmp_path / "long", complete.log, 40000, every=25)


@pytest.fixture
def story(verifier, tmp_path):
    return lists.story(verifier, tmp_path)


@pytest.fixture
def story_page(verifier, story, tmp_path):
    return page.write(verifier, tmp_path / "page.html", story.log, story.pcrs)


@pytest.fixture
def grown(verifier, complete, tmp_path):
    """Writes a list that is as long as is said, always of the same beginning."""
    (tmp_path / "grown").mkdir()
    like = shutil.copy(complete.log, tmp_path / "like")

    def grow(count):
        return lists.long(verifier, tmp_path / "grown", like, count, every=4)
    return grow


# ---- Every verdict has a page, which is whole and loads nothing

@pytest.fixture(params=["complete", "long_list", "edited", "story", "error"])
def any_page(request, verifier, tmp_path):
    if request.param == "error":
        pcrs = request.getfixturevalue("complete").pcrs
        return page.write(verifier, tmp_path / "page.html", pcrs, pcrs)
    measured = request.getfixturevalue(request.param)
    return page.write(verifier, tmp_path / "page.html", measured.log, measured.pcrs)


def test_no_place_is_left_empty(any_page):
    assert "<!--@" not in any_page.text


def test_nothing_is_loaded(any_page):
    assert page.LOADS.search(any_page.text) is None


def test_complete_has_a_plot_and_the_verdict(verifier, complete, tmp_path):
    found = page.write(verifier, tmp_path / "page.html", complete.log, complete.pcrs)
    assert found.answer.status == 0 and found.plot is not None
    assert re.search(r"</svg>\s*complete</h1>", found.text)


def test_mismatch_names_the_entry(verifier, edited, tmp_path):
    found = page.write(verifier, tmp_path / "page.html", edited.log, edited.pcrs)
    assert found.answer.status == 2
    assert "the template digest is not the digest of the data" in html.unescape(found.text)


def test_error_replaces_the_page_from_before(verifier, complete, tmp_path):
    page.write(verifier, tmp_path / "page.html", complete.log, complete.pcrs)
    found = page.write(verifier, tmp_path / "page.html", complete.pcrs, complete.pcrs)
    assert found.answer.status == 3 and found.plot is None
    assert "no verdict: an error" in found.text and "entry 0, offset" in found.text


def test_page_that_can_not_be_written_is_an_error(verifier, complete):
    answer = verifier.verify(complete.log, complete.pcrs, "--html", complete.log.parent / "no" / "page.html")
    assert answer.status == 3


def test_long_list_has_a_small_page(verifier, long_list, tmp_path):
    found = page.write(verifier, tmp_path / "page.html", long_list.log, long_list.pcrs)
    assert found.answer.status == 0 and found.plot is not None
    assert len(found.text) <= 40000 and "1599 intervals" in found.text


def test_list_with_one_record_has_no_plot(verifier, grown, tmp_path):
    measured = grown(3)
    found = page.write(verifier, tmp_path / "page.html", measured.log, measured.pcrs)
    assert found.plot is None and "Fewer than two records contain the TPM's counter" in found.text


def test_hostile_name_is_text(verifier, story, tmp_path):
    log = shutil.copy(story.log, tmp_path / page.HOSTILE)
    found = page.write(verifier, tmp_path / "page.html", log, story.pcrs)
    assert found.answer.status == 1
    assert "<img" not in found.text and found.text.count("<script") == 1 and "\x01" not in found.text


# ---- The plot of a list on which all happened

@pytest.mark.parametrize("label", ["kernel 1", "kernel 3", "kexec_load", "resume", "21 lost", "3 dropped", "2 failed",
                                   "8 unexplained", "not judged"])
def test_plot_shows(story_page, label):
    assert label in page.labels(story_page.plot)


def test_plot_leads_to_the_table(story_page):
    assert story_page.answer.status == 1
    assert story_page.rows == page.links(story_page.plot)
    assert len(page.titles(story_page.plot)) == len(story_page.rows)


def test_plot_has_the_values_of_a_gap(story_page):
    assert ("134 kexec_load to 161 boot\n27 in the list, 21 lost\npcrUpdateCounter 396, +96\nby IMA 96" in
            page.titles(story_page.plot)[4])


def test_no_line_leaves_the_plot(story_page):
    width, height = map(float, story_page.plot.get("viewBox").split()[2:])
    points = page.points(story_page.plot)
    assert len(points) > 10
    assert [(x, y) for x, y in points if not (0 <= x <= width and 0 <= y <= height)] == []


# ---- With a state

@pytest.fixture
def first_and_next(verifier, grown, tmp_path):
    """A page without a state from before, and one that goes on from there."""
    pages = []
    for count in (8, 14):
        measured = grown(count)
        pages.append(page.write(verifier, tmp_path / f"{count}.html", measured.log, measured.pcrs, "--state",
                                tmp_path / "state"))
    return pages


def first_number(plot):
    return next(label for label in page.labels(plot) if label.isdigit())


def test_state_from_before_is_reported(first_and_next):
    assert [found.answer.status for found in first_and_next] == [0, 0]
    assert [found.term("State") for found in first_and_next] == [None, "8 entries verified before, 6 new"]


def test_plot_begins_where_the_state_ends(first_and_next):
    assert [first_number(found.plot) for found in first_and_next] == ["0", "4"]
    assert all(page.titles(found.plot) for found in first_and_next)


def test_table_begins_where_the_state_ends(first_and_next):
    assert ["(start)" in found.text for found in first_and_next] == [True, False]
