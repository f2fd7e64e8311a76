# SPDX-License-Identifier: GPL-2.0-only
"""
The page of a verdict in a browser: its script runs and nothing else does, it is light and dark and printed, and labels
in the plot do not cover each other. Pictures of it are left in build/check/page.
"""

import re
import shutil

import pytest

from lab import browser, lists, page
from lab.groups import settings

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    if not browser.program():
        pytest.skip("chromium is not installed")
    return browser.Browser(tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module")
def story(verifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("story")
    measured = lists.story(verifier, folder)
    return page.write(verifier, folder / "page.html", measured.log, measured.pcrs)


@pytest.fixture(scope="module")
def hostile(verifier, story, tmp_path_factory):
    """A page of a list whose name is markup."""
    folder = tmp_path_factory.mktemp("hostile")
    log = shutil.copy(story.path.with_name("log"), folder / page.HOSTILE)
    return page.write(verifier, folder / "page.html", log, story.path.with_name("pcrread"))


@pytest.fixture(scope="module")
def long_list(verifier, tmp_path_factory):
    like = lists.short(verifier, tmp_path_factory.mktemp("like"))
    folder = tmp_path_factory.mktemp("long")
    measured = lists.long(verifier, folder, like.log, 40000, every=25)
    return page.write(verifier, folder / "page.html", measured.log, measured.pcrs)


def test_hostile_name_does_not_run(chromium, hostile):
    document = chromium.document(hostile.path)
    assert "<title>owned" not in document and "<img" not in document and document.count("<script") == 1


def test_pages_own_script_runs(chromium, hostile):
    document = chromium.document(hostile.path)
    assert 'class="tip" hidden' in document
    assert document.count("aria-label=") >= len(hostile.rows) > 5


def test_values_are_there_without_the_script(chromium, hostile):
    # Chromium can't dump a page where scripts are switched off
    path = hostile.path.with_name("no-scripts.html")
    path.write_text(re.sub("script-src '.*?'", "script-src 'none'", hostile.text), encoding="utf-8")
    document = chromium.document(path)
    assert 'class="tip"' not in document
    assert document.count("</title></a>") == len(hostile.rows) > 5


@pytest.mark.parametrize("options, colour", [((), "rgb(255, 255, 255)"), ((browser.DARK,), "rgb(20, 24, 29)")],
                         ids=["light", "dark"])
def test_page_is(chromium, story, options, colour):
    assert chromium.look(story.path, *options) == browser.Seen(colour, "")


@pytest.mark.parametrize("name, options", [("story", ()), ("story", ("--window-size=500,900",)), ("hostile", ()),
                                           ("long_list", ())], ids=["wide", "narrow", "hostile name", "long list"])
def test_labels_are_apart_and_values_shown_to_the_pointer(request, verifier, chromium, name, options):
    assert chromium.look(request.getfixturevalue(name).path, *options).faults == ""


@pytest.fixture(scope="module")
def printed(chromium, story):
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed (package poppler-utils)")
    return chromium.printed(story.path, story.path.with_name("page.pdf"), browser.DARK)


@pytest.mark.parametrize("text", ["incomplete: 21 entries lost", "kernel 2", "134 kexec_load +161 boot +27 +21 ",
                                  "not extended"])
def test_paper_has(printed, text):
    assert re.search(text, printed)


def test_paper_does_not_mention_pointing(printed):
    assert "pointed at" not in printed


@pytest.mark.parametrize("name, options", [("light", ()), ("dark", (browser.DARK,)), ("narrow", ("--window-size=500,1400",))],
                         ids=["light", "dark", "narrow"])
def test_picture_is_taken(chromium, story, name, options):
    folder = settings.out / "page"
    folder.mkdir(exist_ok=True)
    chromium.picture(story.path, folder / f"{name}.png", *options)
    assert (folder / f"{name}.png").stat().st_size > 10000
