# SPDX-License-Identifier: GPL-2.0-only
"""Chromium, without a window."""

import html
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

DARK = "--blink-settings=preferredColorScheme=0"
PROBE = (Path(__file__).with_name("browser-probe.js")).read_text(encoding="utf-8")
SECONDS = 120


def program() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass(frozen=True)
class Seen:
    """What the browser made of a page: the colour behind its text, and what is wrong with it."""
    colour: str
    faults: str


@dataclass(frozen=True)
class Browser:
    # Where it keeps what it wants to keep
    profile: Path

    def run(self, page: Path, *options: str) -> str:
        return subprocess.run(
            [program(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--disable-background-networking", "--no-first-run", "--window-size=1100,1800",
             f"--user-data-dir={self.profile}", *options, page.as_uri()], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=SECONDS, check=True).stdout.decode()

    def document(self, page: Path, *options: str) -> str:
        """The page when its scripts have run."""
        return self.run(page, "--dump-dom", *options)

    def look(self, page: Path, *options: str) -> Seen:
        """Measure the page with a script of ours, which the page's own policy would not allow."""
        text = re.sub(r"<meta http-equiv.*?>", "", page.read_text(encoding="utf-8", errors="replace"))
        probe = page.with_name("probe.html")
        probe.write_text(text.replace("</body>", f"<script>\n{PROBE}</script></body>"), encoding="utf-8")
        title = re.search(r"<title>(.*?)</title>", self.document(probe, *options), re.S)[1]
        return Seen(*html.unescape(title).split(";"))

    def printed(self, page: Path, pdf: Path, *options: str) -> str:
        """The text on the paper."""
        self.run(page, f"--print-to-pdf={pdf}", "--no-pdf-header-footer", *options)
        return subprocess.run(["pdftotext", "-layout", pdf, "-"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              check=True).stdout.decode()

    def picture(self, page: Path, png: Path, *options: str) -> None:
        self.run(page, f"--screenshot={png}", *options)
