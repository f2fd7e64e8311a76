# SPDX-License-Identifier: GPL-2.0-only
"""The page that "imatally verify --html" writes."""

import re
import xml.etree.ElementTree as xml
from dataclasses import dataclass
from pathlib import Path

from lab.verifier import Answer, Verifier

# Of anything that a browser would fetch
LOADS = re.compile(r"(src|href)=[\"'](?!#)|@import|https?://(?!www\.w3\.org)|url\((?!#)")
# A name that is markup, scripts, control characters, and text from right to left
HOSTILE = "<script>document.title='owned'<\u2044script>'\"&\x01<img src=x onerror=alert(1)>-->\u202e"


@dataclass(frozen=True)
class Page:
    answer: Answer
    path: Path
    text: str

    @property
    def plot(self) -> xml.Element | None:
        """The picture, None if the page has no picture."""
        found = re.search(r'<svg class="plot".*?</svg>', self.text, re.S)
        return xml.fromstring(found[0]) if found else None

    @property
    def rows(self) -> list[str]:
        """The ids of the table's rows."""
        return re.findall(r'<tr id="(i\d+)">', self.text)

    def term(self, name: str) -> str | None:
        found = re.search(rf"<dt>{name}</dt><dd>(.*?)</dd>", self.text)
        return found[1] if found else None


def write(verifier: Verifier, path: Path, log: Path | str, pcrs: Path | str, *options: str | Path) -> Page:
    """Have the page of a list written to @path."""
    answer = verifier.verify(log, pcrs, *options, "--html", path, cwd=path.parent)
    return Page(answer, path, path.read_text(encoding="utf-8", errors="replace"))


def labels(plot: xml.Element) -> list[str]:
    return [element.text or "" for element in plot.iter("text")]


def titles(plot: xml.Element) -> list[str]:
    """The values that each interval shows to a pointer."""
    return [element.text or "" for element in plot.iter("title")]


def links(plot: xml.Element) -> list[str]:
    """The rows of the table that the intervals lead to."""
    return [element.get("href", "").removeprefix("#") for element in plot.iter("a")]


def points(plot: xml.Element) -> list[tuple[float, float]]:
    """Of all lines in the picture."""
    return [(float(x), float(y)) for path in plot.iter("path")
            for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get("d", ""))]
