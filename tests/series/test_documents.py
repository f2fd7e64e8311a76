# SPDX-License-Identifier: GPL-2.0-only
"""What the pages name exists, and what README quotes is what the verifier prints."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from lab import verifier
from lab.paths import TOP

pytestmark = pytest.mark.quick


def tracked(*patterns: str) -> list[str]:
    return subprocess.run(["git", "-C", TOP, "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
                          check=True, capture_output=True, text=True).stdout.splitlines()


PAGES = sorted(tracked("*.md"))
FOLDERS = {path.split("/")[0] for path in tracked() if "/" in path}


def text_of(page: str) -> str:
    return (TOP / page).read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    """What is between lines of ```."""
    return re.findall(r"^```.*?\n(.*?)^```$", text, re.M | re.S)


def code(text: str) -> list[str]:
    """Each line of the blocks, and each `span`, which may go over the end of a line."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    return [line for block in blocks(text) for line in block.splitlines()] + spans


def anchors(text: str) -> set[str]:
    """Of the headings, as forges make them."""
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_resolve(page):
    broken: list[str] = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (TOP / page).parent / path if path else TOP / page
        if not file.exists() or anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            broken.append(target)
    assert not broken


def is_there(path: str) -> bool:
    """As it is, or with any name for words in capitals and for "…"; {a,b} is both."""
    for names in re.findall(r"\{([^}]*)\}", path)[:1]:
        return all(is_there(path.replace("{" + names + "}", name, 1)) for name in names.split(","))
    path = path.rstrip("/")
    return any(any(TOP.glob(pattern)) for pattern in (path, re.sub(r"\b[A-Z]+\b|…|\.\.\.", "*", path)))


@pytest.mark.parametrize("page", PAGES)
def test_named_paths_exist(page):
    words = {word.strip("\"'`()<>;,:") for line in code(text_of(page)) for word in line.split()}
    paths = {word.split("=")[-1] for word in words if "/" in word}
    missing = [path for path in sorted(paths) if path.split("/")[0] in FOLDERS and not is_there(path)]
    assert not missing


def targets_and_variables(makefile: Path) -> tuple[set[str], set[str]]:
    text = makefile.read_text(encoding="utf-8")
    targets = {name for names in re.findall(r"^([a-z][a-z -]*):", text, re.M) for name in names.split()}
    return targets, set(re.findall(r"\b([A-Z][A-Z0-9_]*)=", text)) | set(re.findall(r"^#\t([A-Z, ]+)\t", text, re.M))


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_exist(page):
    unknown = []
    for command in code(text_of(page)):
        for call in re.findall(r"(?:^|[;&|] *|-- )make ([^;&|#]*)", command):
            folder, targets, variables = TOP, [], []
            words = iter(shlex.split(call))
            for word in words:
                if word == "-C":
                    folder = TOP / next(words)
                elif "=" in word:
                    variables.append(word.split("=")[0])
                elif re.fullmatch(r"[a-z][a-z-]*", word):
                    targets.append(word)
                else:
                    break
            # That of the kernel's selftests is in a kernel tree
            if not (folder / "Makefile").exists():
                continue
            known, settings = targets_and_variables(folder / "Makefile")
            unknown += [f"make {word}" for word in targets if word not in known]
            unknown += [f"{word}= of make {call}" for word in variables if word not in settings]
    assert not unknown


def test_readme_is_short():
    assert len(text_of("README.md").splitlines()) < 200


def test_readme_quotes_the_verifier(imatally):
    quoted = blocks(text_of("README.md"))
    at, command = next((at, line) for at, block in enumerate(quoted) for line in block.splitlines()
                       if line.startswith("build/imatally verify "))
    assert verifier.call(*shlex.split(command)[1:], cwd=TOP).text == quoted[at + 1]
