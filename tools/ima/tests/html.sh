#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The page: for every verdict, with hostile names, and in a browser: that its script
# runs and nothing else does, that it is light and dark and printed, that labels in
# the plot do not cover each other. With an OUT folder the pages and screenshots are
# left there, to be looked at.
#
# Usage: html.sh IMATALLY MKLOG WRITE_STORY [OUT]

set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
if ! command -v python3 >/dev/null; then
	echo "  SKIP    python3 is not installed"
	exit 0
fi
[ -z "${4-}" ] || mkdir -p "$4"
out=${4:+$(realpath "$4")}
cd "$dir"
IMATALLY=$1 MKLOG=$2 STORY=$3 OUT=$out python3 - <<'END'
import html, os, re, shutil, subprocess, sys
import xml.etree.ElementTree as xml

imatally, mklog, story, out = (os.environ[n] for n in ("IMATALLY", "MKLOG", "STORY", "OUT"))
chromium = shutil.which("chromium") or shutil.which("chromium-browser")


def fail(text):
    sys.exit(f"  FAIL    {text}")


def page(status, log, *args):
    done = subprocess.run([imatally, "verify", log, *args, "--html", "page.html"],
                          capture_output=True)
    if done.returncode != status:
        fail(f"{log}: status {done.returncode}, not {status}: {done.stderr}")
    with open("page.html", encoding="utf-8", errors="replace") as file:
        text = file.read()
    if "<!--@" in text:
        fail("a place was left empty")
    if re.search(r"(src|href)=[\"'](?!#)|@import|https?://(?!www\.w3\.org)|url\((?!#)", text):
        fail("something to load")
    svg = re.search(r'<svg class="plot".*?</svg>', text, re.S)
    return text, xml.fromstring(svg.group(0)) if svg else None


# ---- What is in it

subprocess.run([mklog, ".", "2"], check=True)
text, svg = page(0, "log", "--pcrs", "pcrread")
if svg is None or not re.search(r"</svg>\s*complete</h1>", text):
    fail("a complete log")
os.mkdir("long")
subprocess.run([mklog, "long", "2", "40000", "log", "25"], check=True)
text, svg = page(0, "long/log", "--pcrs", "long/pcrread")
if svg is None or len(text) > 40000 or "1599 intervals" not in text:
    fail(f"a long log: {len(text)} bytes")

subprocess.run([story, "story", "story.pcrs"], check=True)
text, svg = page(1, "story", "--pcrs", "story.pcrs")
labels = [element.text for element in svg.iter("text")]
for label in ("kernel 1", "kernel 3", "kexec_load", "resume", "21 lost", "3 dropped",
              "2 failed", "8 unexplained", "not judged"):
    if label not in labels:
        fail(f"no {label} in the plot: {labels}")
titles = [element.text for element in svg.iter("title")]
rows = re.findall(r'<tr id="(i\d+)">', text)
if rows != [link.get("href")[1:] for link in svg.iter("a")] or len(titles) != len(rows):
    fail("the plot does not lead to the table")
if "134 kexec_load to 161 boot\n27 in the log, 21 lost\npcrUpdateCounter 396, +96\nby IMA 96" not in titles[4]:
    fail(f"the values of the gap: {titles[4]}")
width, height = map(float, svg.get("viewBox").split()[2:])
for path in svg.iter("path"):
    for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get("d")):
        if not (0 <= float(x) <= width and 0 <= float(y) <= height):
            fail(f"outside of the picture: {x} {y}")

# With a state: from where it goes on, and a plot from there
os.mkdir("grown")
for told, first in ((None, "start"), ("8 entries verified before, 6 new", "record")):
    size = "14" if told else "8"
    subprocess.run([mklog, "grown", "2", size, "log", "4"], check=True)
    text, svg = page(0, "grown/log", "--pcrs", "grown/pcrread", "--state", "state")
    said = re.search(r"<dt>State</dt><dd>(.*?)</dd>", text)
    if (said and said.group(1)) != told or svg is None or not svg.findall(".//title"):
        fail(f"a page with a state: {said and said.group(1)}")
    if ("4" if told else "0") != next(element.text for element in svg.iter("text")
                                       if element.text.isdigit()):
        fail("a plot that does not begin where the state ends")
    if ("(start)" in text) != (first == "start"):
        fail(f"the table with a state does not begin at the {first}")

subprocess.run([mklog, "grown", "2", "3", "log", "4"], check=True)
text, svg = page(0, "grown/log", "--pcrs", "grown/pcrread")
if svg is not None or "Fewer than two records tell the TPM's counter" not in text:
    fail("a plot of one record")

# An error, too: a page from before must not stay there
text, svg = page(3, "pcrread", "--pcrs", "pcrread")
if svg is not None or "no verdict: an error" not in text or "entry 0, offset" not in text:
    fail("an error")
with open("log", "rb") as file:
    log = file.read()
with open("edited", "wb") as file:
    file.write(log.replace(b"file7\0", b"file8\0"))
text, svg = page(2, "edited", "--pcrs", "pcrread")
if "template digest is not that of its data" not in html.unescape(text):
    fail("a mismatch")
if subprocess.run([imatally, "verify", "log", "--pcrs", "pcrread", "--html", "no/page.html"],
                  capture_output=True).returncode != 3:
    fail("a page that can't be written")

hostile = "<script>document.title='owned'<\u2044script>'\"&\x01<img src=x onerror=alert(1)>-->\u202e"
shutil.copy("story", hostile)
text, svg = page(1, hostile, "--pcrs", "story.pcrs")
if "<img" in text or text.count("<script") != 1 or "\x01" in text:
    fail("a hostile name")

# ---- In a browser

if not chromium:
    print("  SKIP    chromium is not installed: not seen in a browser")
    sys.exit(0)


def browse(name, *args):
    return subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         "--disable-background-networking", "--no-first-run", "--window-size=1100,1800",
         f"--user-data-dir={os.getcwd()}/profile", *args, f"file://{os.getcwd()}/{name}"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120, check=True).stdout.decode()


dom = browse("page.html", "--dump-dom")
if "<title>owned" in dom or "<img" in dom or dom.count("<script") != 1:
    fail("a hostile name ran")
if 'class="tip" hidden' not in dom or dom.count("aria-label=") < len(rows):
    fail("the page's own script did not run")
# chromium can't dump a page where scripts are switched off
with open("none.html", "w") as file:
    file.write(re.sub("script-src '.*?'", "script-src 'none'", text))
dom = browse("none.html", "--dump-dom")
if 'class="tip"' in dom or dom.count("</title></a>") != len(rows):
    fail("without a script the values are not there")

# What the browser makes of it, told by a script that its policy would not allow
probe = """<script>
{
const boxes = [...document.querySelectorAll(".plot text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
const plot = document.querySelector(".plot").getBoundingClientRect();
const bad = [];
boxes.forEach(([name, a], i) => {
	if (a.left < plot.left || a.right > plot.right || a.bottom > plot.bottom)
		bad.push(name + " is outside");
	for (const [other, b] of boxes.slice(i + 1))
		if (a.left < b.right - 1 && b.left < a.right - 1 && a.top + 3 < b.bottom && b.top + 3 < a.bottom)
			bad.push(name + " and " + other);
});
if (document.documentElement.scrollWidth > innerWidth)
	bad.push("the page is wider than the window");
document.querySelector(".plot a").dispatchEvent(new PointerEvent("pointermove", { clientX: 90, clientY: 500 }));
const tip = document.querySelector(".tip");
if (tip.hidden || !tip.textContent.includes("in the log") || !document.querySelector("tr.with"))
	bad.push("nothing is shown to the pointer");
document.title = getComputedStyle(document.body).backgroundColor + ";" + bad.join(", ");
}
</script>"""


def probed(name, *args):
    with open("probe.html", "w") as file:
        file.write(re.sub(r"<meta http-equiv.*?>", "", open(name, errors="replace").read())
                   .replace("</body>", probe + "</body>"))
    dom = browse("probe.html", "--dump-dom", *args)
    colour, bad = html.unescape(re.search(r"<title>(.*?)</title>", dom, re.S).group(1)).split(";")
    if bad:
        fail(f"{name}: {bad}")
    return colour


dark = "--blink-settings=preferredColorScheme=0"
if probed("page.html") != "rgb(255, 255, 255)":
    fail("not light")
if probed("page.html", dark) != "rgb(20, 24, 29)":
    fail("not dark")
probed("page.html", "--window-size=500,900")
page(0, "long/log", "--pcrs", "long/pcrread")
probed("page.html")

page(1, "story", "--pcrs", "story.pcrs")
browse("page.html", "--print-to-pdf=page.pdf", "--no-pdf-header-footer", dark)
if shutil.which("pdftotext"):
    printed = subprocess.run(["pdftotext", "-layout", "page.pdf", "-"],
                             capture_output=True, check=True).stdout.decode()
    for part in ("incomplete: 21 entries lost", "kernel 2", r"134 kexec_load +161 boot +27 +21 ",
                 "not extended"):
        if not re.search(part, printed):
            fail(f"not printed: {part}")
    if "pointed at" in printed:
        fail("paper can't be pointed at")
if out:
    browse("page.html", f"--screenshot={out}/light.png")
    browse("page.html", f"--screenshot={out}/dark.png", dark)
    browse("page.html", f"--screenshot={out}/narrow.png", "--window-size=500,1400")
    for name in ("page.html", "page.pdf"):
        shutil.copy(name, out)
END
