# SPDX-License-Identifier: GPL-2.0-only
"""
The commands of the series, tried on a small "kernel" of two bases.

Each test has a checkout of its own: the real scripts, a few patches, and programs in place of apt's.
"""

import difflib
import os
import re
import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from patchset import merge

TOP = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.check

MAKEFILE = "VERSION = {}\nPATCHLEVEL = {}\nSUBLEVEL = 1\nEXTRAVERSION =\nNAME = Test\n"
MAIN = "/* main */\n#include <lib.h>\n\nint main(void)\n{{\n\tint rc;\n\n\trc = send({buf});\n\treturn rc;\n}}\n\n/* the end */\n"
FILLER = "".join(f"line {number}\n" for number in range(1, 41))
NEW = "/* new */\nint first;\n\n/* middle */\nint second;\n\n/* end */\n"

SOURCES = {
    "6.12": {"Makefile": MAKEFILE.format(6, 12), "Kbuild": "\n", "main.c": MAIN.format(buf="&buf"), "lib.h": FILLER},
    "7.3": {"Makefile": MAKEFILE.format(7, 3), "Kbuild": "\n", "main.c": MAIN.format(buf="buf"), "lib.h": FILLER,
            "only.c": FILLER},
}

ONLY, CHECK, ADD, EXTEND = ("only: Fix what 7.3 has", "main: Check the buffer", "new: Add a driver", "new: Count twice")

DIFFERENCES = f"""\
{ONLY}
	7.3 only: 6.12 has no such file

{CHECK}
	main.c: the buffer is a pointer in 7.3
"""


def mail(subject: str, edits: dict[str, tuple[str, str]], new_files: tuple[str, ...] = ()) -> str:
    text = ("From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: A U Thor <author@example.org>\n"
            f"Date: Tue, 24 Nov 2026 00:24:03 +0000\nSubject: [PATCH] {subject}\n\nIt is wrong today.\n\n"
            "Signed-off-by: A U Thor <author@example.org>\n")
    text += "".join(f"New-file: {name}\n" for name in new_files) + "\n"
    for name, (old, new) in edits.items():
        text += f"diff --git a/{name} b/{name}\n" + "".join(difflib.unified_diff(
            old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{name}", f"b/{name}"))
    return text


def series_of(base: str) -> dict[str, str]:
    """The patches, as patches/TOPIC/BASE/NAME has them."""
    main, lib = SOURCES[base]["main.c"], SOURCES[base]["lib.h"]
    buf = "&buf" if base == "6.12" else "buf"
    checked = main.replace("\trc = send", f"\t/* Nothing in the buffer is trusted. */\n\trc = check({buf});\n\tif (rc)\n"
                                          "\t\treturn rc;\n\trc = send")
    listed = lib.replace("line 20\n", "line 20\nline of the driver\n")
    before = NEW.replace("int second;", "int second;\nint third;")
    found = {
        f"patches/2-main/{base}/0001-main.patch": mail(CHECK, {"main.c": (main, checked)}),
        f"patches/3-new/{base}/0001-new.patch": mail(ADD, {"lib.h": (lib, listed)}, ("drivers/new.c", "drivers/run.sh")),
        f"patches/3-new/{base}/0002-new.patch": mail(EXTEND, {"drivers/new.c": (NEW, before)}),
    }
    if base == "7.3":
        found["patches/1-only/7.3/0001-only.patch"] = mail(ONLY, {"only.c": (FILLER, FILLER.replace("line 7\n", "LINE 7\n"))})
    return found


FAKE_APT = """\
#!/bin/sh
# In place of apt-get and apt-cache: packages are folders with one version
for argument; do package=$argument; done
case "$0 $*" in
*" indextargets "*) echo http://mirror.example/debian ;;
*" update") ;;
*" show "*) [ ! -e "$PACKAGES/$package" ] || echo "Version: $(cat "$PACKAGES/$package/version")" ;;
*" search "*) ls "$PACKAGES" ;;
*" download "*) echo "deb of $package" >"$package.deb" ;;
*) exit 1 ;;
esac
"""

# dpkg-deb --fsys-tarfile FILE
FAKE_DPKG = """\
#!/bin/sh
read -r _ _ package <"$2"
cd "$PACKAGES/$package" && tar -c ./usr
"""


class Checkout:
    """A checkout with the commands, and what tests do with it."""

    def __init__(self, top: Path):
        self.top = top
        home = top.parent
        # Commands know no git identity, tests have one
        self.env = {"PATH": f"{home}/bin:/usr/bin:/bin", "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"),
                    "PACKAGES": str(home / "packages"), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8",
                    "PYTHONDONTWRITEBYTECODE": "1"}
        self.user = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
                     for what, value in (("NAME", "Tester"), ("EMAIL", "tester@example.org"))}

    def run(self, command: str, *args: str, fails: bool = False, **env: str) -> str:
        """What a command prints; stderr, if it has to fail."""
        done = subprocess.run([self.top / "scripts" / command, *args], env=self.env | env, cwd=self.top.parent,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = done.stderr
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done.stderr if fails else done.stdout.strip()

    def tree(self, base: str = "6.12") -> Path:
        return self.top / "build" / base / "linux"

    def git(self, base: str, *args: str, data: str | None = None) -> str:
        done = subprocess.run(["git", "-C", self.tree(base), *args], env=self.env | self.user | {"GIT_EDITOR": "true"},
                              input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
        return done.stdout.rstrip("\n")

    def subjects(self, base: str) -> list[str]:
        return self.git(base, "log", "--reverse", "--format=%s", f"{base}/base..{base}/series").split("\n")

    def commit(self, base: str, subject: str) -> str:
        found = [line.split(" ", 1)[0] for line in
                 self.git(base, "log", "--format=%h %s", f"{base}/base..{base}/series").split("\n")
                 if line.split(" ", 1)[1] == subject]
        assert len(found) == 1, found
        return found[0]

    def edit(self, base: str, file: str, old: str, new: str) -> None:
        path = self.tree(base) / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def amend(self, base: str, subject: str, file: str, old: str, new: str) -> None:
        """Edit a file, and put that into the commit that it belongs to, as the daily loop does."""
        self.edit(base, file, old, new)
        self.git(base, "commit", "--all", f"--fixup={self.commit(base, subject)}")
        self.git(base, "-c", "sequence.editor=true", "rebase", "--interactive", "--autosquash", f"{base}/base")

    def rewrite(self, base: str, script: str) -> None:
        """Rebase the series after the sed script has changed the list of commits."""
        self.git(base, "-c", f"sequence.editor=sed -i -E '{script}'", "rebase", "--interactive", f"{base}/base")

    def reword(self, base: str, old: str, new: str) -> None:
        self.rewrite(base, f"/^pick [0-9a-f]+ {old}/a exec git commit -q --amend --no-verify -m \"{new}\"")

    def add(self, base: str, subject: str, after: str = "") -> None:
        """A new commit, at the end or behind the commit @after."""
        (self.tree(base) / "added.txt").write_text("added\n")
        self.git(base, "add", "added.txt")
        self.git(base, "commit", "--message", subject)
        if after:
            self.rewrite(base, f"/ {subject}/d;/ {after}/a pick {self.commit(base, subject)}")

    def patches(self, base: str) -> dict[str, str]:
        return {str(path.relative_to(self.top / "patches")): path.read_text()
                for path in sorted((self.top / "patches").glob(f"*/{base}/*.patch"))}

    def patch(self, base: str, subject: str) -> str:
        """The only patch with that subject."""
        found = [text for text in self.patches(base).values() if f"Subject: [PATCH] {subject}\n" in text]
        assert len(found) == 1, list(self.patches(base))
        return found[0]

    def everything(self) -> dict[str, bytes]:
        """All that git would track here, but for the scripts."""
        return {str(path.relative_to(self.top)): path.read_bytes() for folder in ("patches", "drivers")
                for path in sorted((self.top / folder).rglob("*")) if path.is_file()}


def package(home: Path, base: str, version: str, files: dict[str, str]) -> None:
    folder = home / "packages" / f"linux-source-{base}"
    (folder / "usr/src").mkdir(parents=True, exist_ok=True)
    (folder / "version").write_text(version)
    with tarfile.open(folder / f"usr/src/linux-source-{base}.tar.xz", "w:xz", preset=0) as tar:  # type: ignore[call-arg]
        for name, text in files.items():
            entry = tarfile.TarInfo(f"linux-source-{base}/{name}")
            entry.size = len(text.encode())
            tar.addfile(entry, BytesIO(text.encode()))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """A checkout with both trees, whose patches are as scripts/refresh writes them."""
    home = tmp_path_factory.mktemp("series")
    (home / "bin").mkdir()
    for name, text in (("apt-get", FAKE_APT), ("apt-cache", FAKE_APT), ("dpkg-deb", FAKE_DPKG)):
        (home / "bin" / name).write_text(text)
        (home / "bin" / name).chmod(0o755)
    for base, files in SOURCES.items():
        package(home, base, f"{base}.1-1", files)

    top = home / "checkout"
    shutil.copytree(TOP / "scripts", top / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in {key: text for base in SOURCES for key, text in series_of(base).items()}.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    (top / "patches/differences").write_text(DIFFERENCES)
    (top / "patches/cover-letter").write_text("all: Do everything\n\nThis is why.\n")
    (top / "drivers").mkdir()
    (top / "drivers/new.c").write_text(NEW.replace("int second;", "int second;\nint third;"))
    (top / "drivers/run.sh").write_text("#!/bin/sh\n")
    (top / "drivers/run.sh").chmod(0o755)
    checkout = Checkout(top)
    for base in SOURCES:
        checkout.run("tree", "--base", base)
        checkout.run("refresh", "--base", base)
    return home


@pytest.fixture
def checkout(prepared, tmp_path) -> Checkout:
    """A copy of it, with its trees."""
    home = tmp_path / "home"
    subprocess.run(["cp", "-a", prepared, home], check=True)
    checkout = Checkout(home / "checkout")
    for base in SOURCES:
        # As the commands do in a copy, but quicker
        link = checkout.tree(base) / ".git"
        folder = checkout.top / "build/linux.git/worktrees" / Path(link.read_text().strip()).name
        link.write_text(f"gitdir: {folder}\n")
        (folder / "gitdir").write_text(f"{link}\n")
    return checkout


BOTH = pytest.mark.parametrize("base", SOURCES)


# ---- tree

@BOTH
def test_tree_has_the_topics_in_order(checkout, base):
    assert checkout.subjects(base) == ([ONLY] if base == "7.3" else []) + [CHECK, ADD, EXTEND]


@BOTH
def test_commit_of_a_patch_has_its_new_files(checkout, base):
    commit = checkout.commit(base, ADD)
    assert checkout.git(base, "show", f"{commit}:drivers/new.c") + "\n" == NEW
    assert checkout.git(base, "ls-tree", commit, "drivers/run.sh").startswith("100755")
    assert "New-file" not in checkout.git(base, "log", "--format=%B")
    assert "int third;" in (checkout.tree(base) / "drivers/new.c").read_text()


def test_committer_is_the_author(checkout):
    for who in ("%an %ae %ad", "%cn %ce %cd"):
        assert checkout.git("6.12", "log", "-1", f"--format={who}", "--date=iso") == \
            "A U Thor author@example.org 2026-11-24 00:24:03 +0000"


def test_tree_that_is_up_to_date_is_left_alone(checkout):
    file = checkout.tree() / "main.c"
    before = file.stat().st_mtime_ns
    assert checkout.run("tree") == str(checkout.tree())
    assert checkout.said == "" and file.stat().st_mtime_ns == before


def test_same_patches_give_the_same_commits(checkout):
    before = checkout.git("6.12", "rev-parse", "6.12/series")
    shutil.rmtree(checkout.top / "build")
    checkout.run("tree")
    assert checkout.git("6.12", "rev-parse", "6.12/series") == before


def test_trees_are_of_one_repository(checkout):
    found = {checkout.git(base, "rev-parse", "--path-format=absolute", "--git-common-dir") for base in SOURCES}
    assert found == {str(checkout.top / "build/linux.git")}


def test_changed_patch_is_applied_and_other_files_are_left_alone(checkout):
    path = next((checkout.top / "patches").glob("2-main/6.12/*.patch"))
    path.write_text(path.read_text().replace("is trusted", "was trusted"))
    before = (checkout.tree() / "lib.h").stat().st_mtime_ns
    checkout.run("tree")
    assert "was trusted" in (checkout.tree() / "main.c").read_text()
    assert (checkout.tree() / "lib.h").stat().st_mtime_ns == before


def change_a_patch(checkout: Checkout) -> None:
    path = next((checkout.top / "patches").glob("2-main/6.12/*.patch"))
    path.write_text(path.read_text().replace("is wrong", "was wrong"))


@pytest.mark.parametrize("work", ["commit", "edit", "staged"])
def test_work_in_the_tree_is_not_thrown_away(checkout, work):
    checkout.edit("6.12", "main.c", "/* the end */", "/* my end */")
    if work == "commit":
        checkout.git("6.12", "commit", "--all", "--message", "mine")
    if work == "staged":
        checkout.git("6.12", "add", "main.c")
    change_a_patch(checkout)
    assert "has work that they don't have" in checkout.run("tree", fails=True)
    assert "/* my end */" in (checkout.tree() / "main.c").read_text()


def test_commits_are_not_thrown_away_while_another_commit_is_checked_out(checkout):
    checkout.add("6.12", "mine")
    mine = checkout.git("6.12", "rev-parse", "HEAD")
    checkout.git("6.12", "checkout", "--detach", "6.12/applied")
    change_a_patch(checkout)
    assert "has work" in checkout.run("tree", fails=True)
    assert checkout.git("6.12", "rev-parse", "6.12/series") == mine


def test_file_of_the_user_is_not_overwritten(checkout):
    path = checkout.tree() / "mine.txt"
    path.write_text("mine")
    (checkout.top / "mine.txt").write_text("the series'")
    patch = next((checkout.top / "patches").glob("3-new/6.12/0001*.patch"))
    patch.write_text(patch.read_text().replace("New-file: drivers/new.c", "New-file: drivers/new.c\nNew-file: mine.txt"))
    assert "mine.txt" in checkout.run("tree", fails=True)
    assert path.read_text() == "mine"


def test_removed_folder_is_made_again_with_its_commits(checkout):
    checkout.add("6.12", "mine")
    shutil.rmtree(checkout.tree())
    checkout.run("tree")
    assert checkout.subjects("6.12") == [CHECK, ADD, EXTEND, "mine"]
    assert (checkout.tree() / "added.txt").exists()


def test_copy_of_a_checkout_works_in_its_own_repository(checkout):
    copy = Checkout(checkout.top.parent / "copy")
    shutil.copytree(checkout.top, copy.top, symlinks=True)
    change_a_patch(copy)
    before = checkout.git("6.12", "rev-parse", "6.12/series")
    copy.run("tree")
    assert copy.git("6.12", "rev-parse", "--path-format=absolute", "--git-common-dir") == str(copy.top / "build/linux.git")
    assert copy.git("6.12", "rev-parse", "6.12/series") != before
    assert checkout.git("6.12", "rev-parse", "6.12/series") == before
    assert checkout.git("6.12", "rev-parse", "--path-format=absolute", "--git-common-dir") == \
        str(checkout.top / "build/linux.git")


def test_moved_checkout_goes_on_working(checkout):
    top = checkout.top.with_name("moved")
    checkout.top.rename(top)
    moved = Checkout(top)
    moved.run("tree")
    moved.run("refresh")
    assert moved.subjects("6.12") == [CHECK, ADD, EXTEND]


def test_tree_of_the_old_layout_is_refused(checkout):
    shutil.rmtree(checkout.tree())
    subprocess.run(["git", "init", "--quiet", checkout.tree()], check=True)
    assert "older scripts/tree" in checkout.run("tree", fails=True)
    assert (checkout.tree() / ".git").is_dir()


def misfit(checkout: Checkout) -> None:
    """Have the patch ADD not fit 6.12."""
    path = next((checkout.top / "patches").glob("3-new/6.12/0001*.patch"))
    text = re.sub(r"^index .*\n", "", path.read_text(), flags=re.M)
    path.write_text(re.sub(r"^ line (\d+)$", r" other line \1", text, flags=re.M))


def test_tree_stops_where_a_patch_does_not_fit_and_goes_on(checkout):
    misfit(checkout)
    said = checkout.run("tree", fails=True)
    assert "patches/3-new/6.12/0001-new-Add-a-driver.patch does not fit 6.12.1" in said
    assert checkout.subjects("6.12") == [CHECK]

    # As long as there is no commit, it stops there again
    assert "does not fit" in checkout.run("tree", fails=True)
    checkout.edit("6.12", "lib.h", "line 30\n", "line 30\nline of the driver\n")
    assert "needs one commit more" in checkout.run("tree", fails=True)

    # The mail that it names has the new files
    whole = re.search(r"git am --3way (\S+)", said)
    assert whole, said
    checkout.git("6.12", "apply", "--include=drivers/*", whole[1])
    checkout.git("6.12", "add", "--all")
    checkout.git("6.12", "commit", "--message", f"{ADD}\n\nBy hand.")
    checkout.run("tree")
    assert "going on after patches/3-new/6.12/0001" in checkout.said and "scripts/refresh" in checkout.said
    assert checkout.subjects("6.12") == [CHECK, ADD, EXTEND]

    checkout.run("refresh")
    assert "By hand." in checkout.patch("6.12", ADD)
    assert "New-file: drivers/new.c" in checkout.patch("6.12", ADD)
    checkout.run("tree")
    assert checkout.said == ""


def test_refresh_waits_for_all_patches(checkout):
    misfit(checkout)
    checkout.run("tree", fails=True)
    before = checkout.everything()
    assert "has not all patches yet" in checkout.run("refresh", fails=True)
    assert checkout.everything() == before


def test_patch_with_other_context_is_applied_with_a_note(checkout):
    path = next((checkout.top / "patches").glob("3-new/6.12/0001*.patch"))
    text = re.sub(r"^index .*\n", "", path.read_text(), flags=re.M)
    path.write_text(text.replace("\n line 18\n", "\n other line 18\n"))
    checkout.run("tree")
    assert "was applied with less context" in checkout.said
    assert checkout.subjects("6.12") == [CHECK, ADD, EXTEND]


def test_new_file_that_does_not_fit_its_patches_is_found_before_anything_is_done(checkout):
    path = checkout.top / "drivers/new.c"
    path.write_text(path.read_text().replace("int third;", "int fourth;"))
    before = checkout.git("6.12", "rev-parse", "6.12/series")
    said = checkout.run("tree", fails=True)
    assert "patches/3-new/6.12/0002-new-Count-twice.patch changes drivers/new.c, which is no longer what" in said
    assert checkout.git("6.12", "rev-parse", "6.12/series") == before


def test_edit_of_a_new_file_reaches_all_trees(checkout):
    path = checkout.top / "drivers/new.c"
    path.write_text(path.read_text().replace("/* new */", "/* newer */"))
    for base in SOURCES:
        checkout.run("tree", "--base", base)
        assert "/* newer */" in checkout.git(base, "show", f"{checkout.commit(base, ADD)}:drivers/new.c")


@pytest.mark.parametrize("text", ["", "no newline", "form\ffeed\n\n", "\u2028\r\n"])
def test_new_file_of_any_text_is_as_it_is_here(checkout, text):
    (checkout.top / "drivers/run.sh").write_bytes(text.encode())
    checkout.run("tree")
    assert (checkout.tree() / "drivers/run.sh").read_bytes() == text.encode()


def test_environment_of_a_git_hook_is_ignored(checkout):
    change_a_patch(checkout)
    checkout.run("tree", GIT_DIR=str(checkout.top / "none"), GIT_INDEX_FILE="none", GIT_WORK_TREE="/")
    assert "was wrong" in checkout.git("6.12", "log")


def test_missing_new_file_is_named(checkout):
    (checkout.top / "drivers/new.c").unlink()
    assert "drivers/new.c is named as a new file" in checkout.run("tree", fails=True)


# ---- source

def move_on(checkout: Checkout) -> None:
    package(checkout.top.parent, "6.12", "6.12.2-1",
            SOURCES["6.12"] | {"Makefile": MAKEFILE.format(6, 12).replace("= 1", "= 2"), "later.c": "later\n"})


def test_series_moves_to_a_newer_package(checkout):
    move_on(checkout)
    checkout.run("tree")
    assert "linux-source-6.12 6.12.2-1" in checkout.said
    assert checkout.subjects("6.12") == [CHECK, ADD, EXTEND]
    assert (checkout.tree() / "later.c").exists()
    assert checkout.git("6.12", "log", "--format=%s", "6.12/base") == \
        "linux-source-6.12 6.12.2-1\nlinux-source-6.12 6.12.1-1"


def test_newer_package_waits_for_work(checkout):
    checkout.add("6.12", "mine")
    move_on(checkout)
    assert "has work of yours" in checkout.run("tree", fails=True)
    assert checkout.subjects("6.12")[-1] == "mine"


def test_source_prints_version_and_tarball(checkout):
    version, tarball = checkout.run("source", "7.3").split("\t")
    assert version == "7.3.1-1" and tarfile.open(tarball).getmember("linux-source-7.3/only.c")


def test_unknown_base_is_named(checkout):
    assert "there is no base 5.4; known: 6.12 7.3" in checkout.run("source", "5.4", fails=True)
    assert "there is no base 5.4" in checkout.run("tree", "--base", "5.4", fails=True)


def test_missing_package_is_named(checkout):
    shutil.rmtree(checkout.top.parent / "packages/linux-source-6.12")
    said = checkout.run("source", "6.12", fails=True)
    assert "there is no package linux-source-6.12" in said and "There is: linux-source-7.3" in said


# ---- refresh

@BOTH
def test_refresh_of_an_unchanged_tree_changes_nothing(checkout, base):
    before = checkout.everything()
    checkout.run("refresh", "--base", base)
    assert checkout.everything() == before


def test_amended_commit_changes_its_patch_only(checkout):
    before = checkout.everything()
    checkout.amend("6.12", CHECK, "main.c", "is trusted", "was trusted")
    checkout.run("refresh")
    after = checkout.everything()
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == \
        {"patches/2-main/6.12/0001-main-Check-the-buffer.patch"}
    checkout.run("tree")
    assert checkout.said == ""


def test_amended_new_file_is_written_here(checkout):
    checkout.amend("6.12", ADD, "drivers/new.c", "/* new */", "/* newer */")
    checkout.run("refresh")
    assert "/* newer */" in (checkout.top / "drivers/new.c").read_text()
    assert os.access(checkout.top / "drivers/run.sh", os.X_OK)


def test_new_commit_goes_into_the_topic_of_the_one_before(checkout):
    checkout.add("6.12", "new: Stop counting", after=CHECK)
    checkout.run("refresh")
    assert [name for name in checkout.patches("6.12")] == [
        "2-main/6.12/0001-main-Check-the-buffer.patch", "2-main/6.12/0002-new-Stop-counting.patch",
        "3-new/6.12/0001-new-Add-a-driver.patch", "3-new/6.12/0002-new-Count-twice.patch"]
    assert (checkout.top / "added.txt").read_text() == "added\n"


def test_moved_patch_changes_its_topic(checkout):
    checkout.add("6.12", "new: Stop counting", after=CHECK)
    checkout.run("refresh")
    (checkout.top / "patches/2-main/6.12/0002-new-Stop-counting.patch").rename(
        checkout.top / "patches/3-new/6.12/0000-new-Stop-counting.patch")
    before = checkout.git("6.12", "rev-parse", "HEAD")
    checkout.run("tree")
    assert checkout.git("6.12", "rev-parse", "HEAD") == before
    checkout.run("refresh")
    assert [name for name in checkout.patches("6.12")] == [
        "2-main/6.12/0001-main-Check-the-buffer.patch", "3-new/6.12/0001-new-Stop-counting.patch",
        "3-new/6.12/0002-new-Add-a-driver.patch", "3-new/6.12/0003-new-Count-twice.patch"]


def test_reworded_commit_keeps_its_topic(checkout):
    # The first one of its topic: the one before it is of another
    checkout.reword("6.12", ADD, "new: Bring a driver")
    checkout.run("refresh")
    assert "3-new/6.12/0001-new-Bring-a-driver.patch" in checkout.patches("6.12")
    assert len(checkout.patches("6.12")) == 3


def test_commit_among_those_of_another_topic_is_refused(checkout):
    checkout.rewrite("6.12", f"1d;/ {ADD}/a pick {checkout.commit('6.12', CHECK)}")
    before = checkout.everything()
    assert f'"{CHECK}" is in the topic 2-main, and comes after a commit of 3-new' in checkout.run("refresh", fails=True)
    assert checkout.everything() == before


def test_dropped_commit_takes_its_patch_and_new_files_along(checkout):
    for base in SOURCES:
        checkout.rewrite(base, f"/ ({ADD}|{EXTEND})/d")
    checkout.run("refresh", "--base", "6.12")
    assert len(checkout.patches("6.12")) == 1
    # The other base still has it
    assert (checkout.top / "drivers/new.c").exists()
    checkout.run("refresh", "--base", "7.3")
    assert not (checkout.top / "drivers/new.c").exists()


@pytest.mark.parametrize("wrong", ["edits", "branch", "duplicate", "deleted"])
def test_refresh_refuses_what_it_can_not_bring_back(checkout, wrong):
    before = checkout.everything()
    if wrong == "edits":
        checkout.edit("6.12", "main.c", "end", "END")
        expected = "has edits that are not committed"
    elif wrong == "branch":
        checkout.git("6.12", "checkout", "--detach", "HEAD^")
        expected = "is not on the branch 6.12/series"
    elif wrong == "duplicate":
        checkout.add("6.12", CHECK)
        expected = f'two commits in {checkout.tree()} have the subject "{CHECK}"'
    else:
        checkout.git("6.12", "rm", "drivers/new.c")
        checkout.git("6.12", "commit", "--message", "new: Remove the driver")
        expected = "drivers/new.c is new in"
    assert expected in checkout.run("refresh", fails=True)
    assert checkout.everything() == before


def test_new_file_that_has_changed_here_is_not_overwritten(checkout):
    (checkout.top / "drivers/new.c").write_text("mine\n")
    assert "drivers/new.c has changed here since" in checkout.run("refresh", fails=True)
    assert (checkout.top / "drivers/new.c").read_text() == "mine\n"


# ---- port

def port(checkout: Checkout, *args: str, source: str = "7.3", target: str = "6.12", fails: bool = False) -> str:
    return checkout.run("port", "--from", source, "--to", target, *args, fails=fails)


def test_one_edit_and_one_command_change_both_bases(checkout):
    checkout.amend("7.3", CHECK, "main.c", "Nothing in the buffer is trusted", "Trust nothing in the buffer")
    shown = port(checkout)
    for base, buf in (("6.12", "&buf"), ("7.3", "buf")):
        assert "+\t/* Trust nothing in the buffer. */\n" in checkout.patch(base, CHECK)
        # What a base does in its own way stays
        assert f"+\trc = check({buf});\n" in checkout.patch(base, CHECK)
    assert "Trust nothing in the buffer" in shown and ADD not in shown
    assert checkout.subjects("6.12") == [CHECK, ADD, EXTEND]
    for base in SOURCES:
        checkout.run("tree", "--base", base)
        assert checkout.said == ""


@pytest.mark.parametrize("ours, theirs, merged", [
    ("pQrs", "pqRs", "pQRs"),       # neighbouring lines
    ("pQrs", "pqxrs", "pQxrs"),     # a line more beside one that was changed
    ("pQRs", "pqXs", None),         # the same line
    ("pqxrs", "pqyrs", None),       # two insertions in one place
    ("prs", "pqxrs", None),         # an insertion beside what the other side has deleted
    ("pQrs", "pQrS", "pQrS"),       # the same change on both sides
    ("prs", "pqs", "ps"),           # deletions of neighbours
    ("pqrs", "pqrst", "pqrst"),     # a change on one side only
])
def test_changes_of_neighbouring_lines_are_merged(ours, theirs, merged):
    found = merge.merge(list("pqrs"), list(ours), list(theirs))
    assert merged == (None if found is None else "".join(found))


def test_nothing_is_carried_over_twice(checkout):
    checkout.amend("7.3", CHECK, "main.c", "is trusted", "was trusted")
    port(checkout)
    before, commits = checkout.everything(), [checkout.git(base, "rev-parse", "HEAD") for base in SOURCES]
    assert port(checkout) == "nothing to carry over"
    assert port(checkout, source="6.12", target="7.3") == "nothing to carry over"
    assert checkout.everything() == before
    assert [checkout.git(base, "rev-parse", "HEAD") for base in SOURCES] == commits


def test_bases_that_agree_have_nothing_to_carry_over(checkout):
    before = checkout.everything()
    assert port(checkout) == "nothing to carry over"
    assert checkout.everything() == before and checkout.said == ""


def test_edit_is_carried_over_after_a_refresh_of_its_base_alone(checkout):
    checkout.amend("7.3", CHECK, "main.c", "is trusted", "was trusted")
    checkout.amend("7.3", EXTEND, "drivers/new.c", "int third;", "int fourth;")
    checkout.run("refresh", "--base", "7.3")
    port(checkout)
    assert "was trusted" in checkout.patch("6.12", CHECK)
    assert "+int fourth;" in checkout.patch("6.12", EXTEND)


def test_edit_is_carried_over_to_a_tree_that_is_not_there_yet(checkout):
    shutil.rmtree(checkout.top / "build")
    checkout.run("tree", "--base", "7.3")
    checkout.amend("7.3", CHECK, "main.c", "is trusted", "was trusted")
    checkout.amend("7.3", EXTEND, "drivers/new.c", "int third;", "int fourth;")
    checkout.run("refresh", "--base", "7.3")
    # 6.12's patches no longer fit the new file, which is that of 7.3 now
    assert "which is no longer what" in checkout.run("tree", fails=True)
    port(checkout)
    assert "was trusted" in checkout.patch("6.12", CHECK)
    assert "+int fourth;" in checkout.patch("6.12", EXTEND)
    checkout.run("tree")
    assert checkout.said == ""


def test_edit_goes_the_other_way_too(checkout):
    checkout.amend("6.12", CHECK, "main.c", "is trusted", "was trusted")
    port(checkout, source="6.12", target="7.3")
    assert "was trusted" in checkout.patch("7.3", CHECK)
    assert "+\trc = check(buf);\n" in checkout.patch("7.3", CHECK)
    assert checkout.subjects("7.3") == [ONLY, CHECK, ADD, EXTEND]


def test_edits_of_several_commits_in_the_same_lines(checkout):
    checkout.amend("7.3", ADD, "drivers/new.c", "/* middle */", "/* center */")
    checkout.amend("7.3", EXTEND, "drivers/new.c", "int third;", "int fourth;\nint fifth;")
    checkout.amend("7.3", ADD, "lib.h", "line of the driver", "lines of the driver")
    port(checkout)
    assert checkout.git("6.12", "diff", "6.12/series", "7.3/series", "--", "drivers", "lib.h") == ""
    assert "int third" not in checkout.git("6.12", "log", "-p", "6.12/base..")


def test_message_is_carried_over(checkout):
    checkout.rewrite("7.3", f"/ {ADD}/a exec git commit -q --amend -m \"{ADD}\" -m \"The reason.\"")
    port(checkout)
    assert "\nThe reason.\n" in checkout.patch("6.12", ADD)


def test_reworded_commit_stays_one_commit(checkout):
    checkout.reword("7.3", CHECK, "main: Check all buffers")
    checkout.amend("7.3", "main: Check all buffers", "main.c", "is trusted", "was trusted")
    port(checkout)
    assert checkout.subjects("6.12") == ["main: Check all buffers", ADD, EXTEND]
    assert "+\trc = check(&buf);\n" in checkout.patch("6.12", "main: Check all buffers")
    assert "2-main/6.12/0001-main-Check-all-buffers.patch" in checkout.patches("6.12")


def test_new_commit_is_carried_over_to_its_place(checkout):
    checkout.add("7.3", "main: Say more", after=CHECK)
    port(checkout)
    assert checkout.subjects("6.12") == [CHECK, "main: Say more", ADD, EXTEND]
    assert "2-main/6.12/0002-main-Say-more.patch" in checkout.patches("6.12")


def test_new_commit_of_one_base_only_is_not_carried_over(checkout):
    checkout.add("7.3", "only: Do more")
    with open(checkout.top / "patches/differences", "a", encoding="utf-8") as table:
        table.write("\nonly: Do more\n\t7.3 only: 6.12 has no such file\n")
    port(checkout)
    assert checkout.subjects("6.12") == [CHECK, ADD, EXTEND]
    assert checkout.subjects("7.3")[-1] == "only: Do more"


def test_commit_that_only_the_other_base_has_stays_in_its_place(checkout):
    checkout.add("6.12", "main: For 6.12", after=CHECK)
    checkout.amend("7.3", ADD, "drivers/new.c", "/* new */", "/* newer */")
    port(checkout)
    assert checkout.subjects("6.12") == [CHECK, "main: For 6.12", ADD, EXTEND]
    assert "differ, and patches/differences does not say why: main: For 6.12: 6.12 only" in checkout.said


def test_dropped_commit_is_dropped(checkout):
    checkout.rewrite("7.3", f"/ {EXTEND}/d")
    port(checkout)
    assert checkout.subjects("6.12") == [CHECK, ADD]
    assert "int third" not in (checkout.top / "drivers/new.c").read_text()


def test_dropped_commit_can_stay_in_the_other_base(checkout):
    checkout.rewrite("7.3", f"/ {EXTEND}/d")
    checkout.rewrite("6.12", f"/ {EXTEND}/d")
    checkout.add("7.3", "main: Say more", after=CHECK)
    port(checkout)
    checkout.rewrite("7.3", "/ main: Say more/d")
    with open(checkout.top / "patches/differences", "a", encoding="utf-8") as table:
        table.write("\nmain: Say more\n\t6.12 only: 7.3 says it already\n")
    port(checkout)
    assert checkout.subjects("6.12") == [CHECK, "main: Say more", ADD]
    assert checkout.subjects("7.3") == [ONLY, CHECK, ADD]


def test_moved_commit_is_moved(checkout):
    commit = checkout.commit("7.3", EXTEND)
    checkout.add("7.3", "main: Say more", after=CHECK)
    checkout.rewrite("7.3", f"/ {EXTEND}/d;/ {ADD}/a pick {commit}")
    checkout.rewrite("7.3", f"/ main: Say more/d;/ {EXTEND}/a pick {checkout.commit('7.3', 'main: Say more')}")
    port(checkout)
    assert checkout.subjects("6.12") == [CHECK, ADD, EXTEND, "main: Say more"]


def test_only_the_named_commits_are_carried_over(checkout):
    checkout.amend("7.3", CHECK, "main.c", "is trusted", "was trusted")
    checkout.amend("7.3", ADD, "lib.h", "line of the driver", "lines of the driver")
    port(checkout, checkout.commit("7.3", ADD))
    assert "is trusted" in checkout.patch("6.12", CHECK)
    assert "lines of the driver" in checkout.patch("6.12", ADD)
    # The others can follow
    port(checkout, f"{checkout.commit('7.3', CHECK)}^..{checkout.commit('7.3', CHECK)}")
    assert "was trusted" in checkout.patch("6.12", CHECK)
    assert "not all of that is in 7.3/series" in port(checkout, "7.3/base", fails=True)


def test_edits_of_both_bases_are_merged(checkout):
    checkout.amend("7.3", CHECK, "main.c", "is trusted", "was trusted")
    checkout.amend("6.12", CHECK, "main.c", "/* the end */", "/* end of 6.12 */")
    port(checkout)
    assert "was trusted" in checkout.patch("6.12", CHECK) and "end of 6.12" in checkout.patch("6.12", CHECK)
    assert "end of 6.12" not in checkout.patch("7.3", CHECK)


def test_edit_of_the_other_base_is_not_undone(checkout):
    checkout.amend("6.12", ADD, "lib.h", "line of the driver", "lines of the driver")
    port(checkout)
    assert "lines of the driver" in checkout.patch("6.12", ADD)
    assert f'note: 6.12 has changed "{ADD}", and 7.3 has not' in checkout.said


def test_what_is_for_one_base_alone_is_left(checkout):
    checkout.amend("7.3", CHECK, "main.c", "is trusted", "was trusted")
    port(checkout, "--leave")
    assert port(checkout) == "nothing to carry over"
    assert "is trusted" in checkout.patch("6.12", CHECK) and "was trusted" in checkout.patch("7.3", CHECK)


def test_bases_that_came_apart_are_brought_together(checkout):
    """Nothing is known of how: the patches of one base were changed elsewhere."""
    path = next((checkout.top / "patches").glob("3-new/7.3/0001*.patch"))
    path.write_text(path.read_text().replace("line of the driver", "lines of the driver"))
    shutil.rmtree(checkout.top / "build")
    port(checkout)
    assert "lines of the driver" in checkout.patch("6.12", ADD)


def conflict(checkout: Checkout) -> str:
    """Edits in 7.3 of which the first one does not fit 6.12."""
    checkout.amend("7.3", CHECK, "main.c", "\trc = check(buf);", "\trc = check_all(buf);")
    checkout.amend("7.3", ADD, "lib.h", "line of the driver", "lines of the driver")
    return port(checkout, fails=True)


def test_port_stops_where_something_does_not_fit_and_goes_on(checkout):
    said = conflict(checkout)
    assert f'"{CHECK}" does not fit 6.12, in main.c' in said and str(checkout.tree()) in said
    assert "<<<<<<<" in (checkout.tree() / "main.c").read_text()
    assert f"still not resolved in {checkout.tree()}: main.c" in port(checkout, fails=True)
    assert "is in the middle of a rebase" in checkout.run("refresh", fails=True)

    text = (checkout.tree() / "main.c").read_text()
    (checkout.tree() / "main.c").write_text(
        re.sub(r"<<<<<<<.*>>>>>>>[^\n]*\n", "\trc = check_all(&buf);\n", text, flags=re.S))
    checkout.git("6.12", "add", "main.c")
    shown = port(checkout)
    assert "check_all" in shown
    assert "+\trc = check_all(&buf);\n" in checkout.patch("6.12", CHECK)
    assert "lines of the driver" in checkout.patch("6.12", ADD)
    assert checkout.subjects("6.12") == [CHECK, ADD, EXTEND]
    assert port(checkout) == "nothing to carry over"


def test_port_goes_on_after_the_user_has_continued(checkout):
    conflict(checkout)
    text = (checkout.tree() / "main.c").read_text()
    (checkout.tree() / "main.c").write_text(
        re.sub(r"<<<<<<<.*>>>>>>>[^\n]*\n", "\trc = check_all(&buf);\n", text, flags=re.S))
    checkout.git("6.12", "add", "main.c")
    checkout.git("6.12", "rebase", "--continue")
    port(checkout)
    assert "+\trc = check_all(&buf);\n" in checkout.patch("6.12", CHECK)


def test_port_can_be_given_up(checkout):
    before = checkout.everything(), checkout.git("6.12", "rev-parse", "HEAD")
    conflict(checkout)
    checkout.git("6.12", "rebase", "--abort")
    assert (checkout.everything(), checkout.git("6.12", "rev-parse", "6.12/series")) == before
    assert "beginning anew" in port(checkout, fails=True)


def test_port_from_another_base_waits_for_the_first(checkout):
    conflict(checkout)
    assert "are the same base" in port(checkout, source="6.12", target="6.12", fails=True)
    assert "is in the middle of a rebase" in port(checkout, source="6.12", target="7.3", fails=True)


def test_new_files_that_came_apart_are_refused(checkout):
    checkout.amend("6.12", ADD, "drivers/new.c", "/* new */", "/* 6.12 */")
    checkout.amend("7.3", CHECK, "main.c", "is trusted", "was trusted")
    before = (checkout.top / "drivers/new.c").read_text()
    assert "drivers/new.c is shared by the bases, and differs" in port(checkout, fails=True)
    assert (checkout.top / "drivers/new.c").read_text() == before
    # What makes it the same
    port(checkout, source="6.12", target="7.3")
    port(checkout)
    assert "/* 6.12 */" in (checkout.top / "drivers/new.c").read_text()


def test_edits_in_a_tree_are_refused(checkout):
    checkout.edit("7.3", "main.c", "end", "END")
    assert "has edits that are not committed" in port(checkout, fails=True)


# ---- series

def test_mails_have_cover_letter_and_new_files(checkout):
    out = Path(checkout.run("series"))
    assert out == checkout.top / "build/6.12/series"
    assert [path.name for path in sorted(out.iterdir())] == [
        "0000-cover-letter.patch", "0001-main-Check-the-buffer.patch", "0002-new-Add-a-driver.patch",
        "0003-new-Count-twice.patch"]
    cover = (out / "0000-cover-letter.patch").read_text()
    assert "Subject: [PATCH 0/3] all: Do everything\n" in cover and "\nThis is why.\n" in cover
    assert "From: A U Thor <author@example.org>" in cover and "***" not in cover
    assert "+int second;" in (out / "0002-new-Add-a-driver.patch").read_text()


@BOTH
def test_mailbox_gives_the_tree(checkout, base):
    checkout.run("series", "--base", base)
    checkout.git(base, "checkout", "--detach", f"{base}/base")
    checkout.git(base, "am", str(checkout.top / f"build/{base}/series.mbox"))
    assert checkout.git(base, "rev-parse", "HEAD^{tree}") == checkout.git(base, "rev-parse", f"{base}/series^{{tree}}")


@pytest.mark.parametrize("topic", ["3", "3-new"])
def test_topic_is_mailed_alone(checkout, topic):
    (checkout.top / "patches/3-new/cover-letter").write_text("new: Two patches\n\nSee here.\n")
    out = Path(checkout.run("series", "--base", "7.3", "--topic", topic))
    assert out == checkout.top / "build/7.3/series-3-new"
    assert [path.name for path in sorted(out.iterdir())] == [
        "0000-cover-letter.patch", "0001-new-Add-a-driver.patch", "0002-new-Count-twice.patch"]
    assert "[PATCH 0/2] new: Two patches" in (out / "0000-cover-letter.patch").read_text()
    assert "prerequisite-patch-id" in (out / "0000-cover-letter.patch").read_text()


def test_topic_without_a_cover_letter_is_mailed_without(checkout):
    out = Path(checkout.run("series", "--topic", "2"))
    assert [path.name for path in out.iterdir()] == ["0001-main-Check-the-buffer.patch"]


def test_whoever_mails_it_is_the_author_and_signs_off(checkout):
    out = Path(checkout.run("series", "--signed-off-by", "Who Mails <mails@example.org>"))
    mails = sorted(out.iterdir())
    assert len(mails) == 4
    for path in mails:
        assert "From: Who Mails <mails@example.org>\n" in path.read_text()
        assert "A U Thor" not in path.read_text()
    for path in mails[1:]:
        assert path.read_text().count("\nSigned-off-by:") == 1
        assert "\nSigned-off-by: Who Mails <mails@example.org>\n---\n" in path.read_text()
    checkout.git("6.12", "checkout", "--detach", "6.12/base")
    checkout.git("6.12", "am", str(out.with_suffix(".mbox")))
    assert checkout.git("6.12", "rev-parse", "HEAD^{tree}") == checkout.git("6.12", "rev-parse", "6.12/series^{tree}")


def test_other_sign_offs_stay(checkout):
    checkout.git("6.12", "commit", "--amend", "--author=A U Thor <author@example.org>", "-m",
                 f"{EXTEND}\n\nWhy.\n\nReported-by: Re Porter <re@example.org>\nSigned-off-by: Some Body <some@example.org>\n"
                 "Signed-off-by: A U Thor <author@example.org>")
    out = Path(checkout.run("series", "--signed-off-by", "Who Mails <mails@example.org>"))
    assert ("\n\nReported-by: Re Porter <re@example.org>\nSigned-off-by: Some Body <some@example.org>\n"
            "Signed-off-by: Who Mails <mails@example.org>\n---\n") in sorted(out.iterdir())[-1].read_text()


def test_without_a_sign_off_it_says_what_is_missing(checkout):
    checkout.run("series")
    assert "SIGNED_OFF_BY='Name <mail>'" in checkout.said
    checkout.run("series", "--signed-off-by", "Who Mails <mails@example.org>")
    assert "SIGNED_OFF_BY" not in checkout.said


@pytest.mark.parametrize("person", ["Who Mails", "mails@example.org", "<mails@example.org>", "Who Mails <mails>"])
def test_sign_off_without_a_name_or_an_address_is_refused(checkout, person):
    assert "expected 'Name <mail>'" in checkout.run("series", "--signed-off-by", person, fails=True)


def test_unknown_topic_is_named(checkout):
    assert "there is no topic 9; known: 1-only 2-main 3-new" in checkout.run("series", "--topic", "9", fails=True)
    assert "the topic 1-only has no patches for 6.12" in checkout.run("series", "--topic", "1", fails=True)


# ---- KSRC

@pytest.fixture
def users_kernel(checkout, tmp_path) -> Path:
    """The user's own kernel: 7.4, under git."""
    where = tmp_path / "kernel"
    for name, text in (SOURCES["7.3"] | {"Makefile": MAKEFILE.format(7, 4)}).items():
        where.mkdir(exist_ok=True)
        (where / name).write_text(text)
    for args in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "mine"]):
        subprocess.run(["git", "-C", where, *args], env=checkout.env | checkout.user, check=True)
    return where


def test_ksrc_gets_the_patches_of_the_nearest_base(checkout, users_kernel):
    before = sorted(str(path) for path in users_kernel.rglob("*"))
    assert checkout.run("tree", KSRC=str(users_kernel)) == str(checkout.tree("ksrc"))
    assert checkout.subjects("ksrc") == [ONLY, CHECK, ADD, EXTEND]
    assert checkout.run("tree", KSRC=str(users_kernel)) and checkout.said == ""
    assert sorted(str(path) for path in users_kernel.rglob("*")) == before


def test_ksrc_follows_the_users_head(checkout, users_kernel):
    checkout.run("tree", KSRC=str(users_kernel))
    (users_kernel / "mine.c").write_text("mine\n")
    for args in (["add", "."], ["commit", "--quiet", "--message", "more"]):
        subprocess.run(["git", "-C", users_kernel, *args], env=checkout.env | checkout.user, check=True)
    checkout.run("tree", KSRC=str(users_kernel))
    assert (checkout.tree("ksrc") / "mine.c").exists()
    assert checkout.subjects("ksrc") == [ONLY, CHECK, ADD, EXTEND]

    checkout.add("ksrc", "my work")
    subprocess.run(["git", "-C", users_kernel, "reset", "--quiet", "--hard", "HEAD^"], check=True)
    assert "has work of yours" in checkout.run("tree", KSRC=str(users_kernel), fails=True)


def test_ksrc_without_git_is_copied(checkout, users_kernel):
    shutil.rmtree(users_kernel / ".git")
    (users_kernel / "Makefile").write_text(MAKEFILE.format(6, 13))
    shutil.copyfile(users_kernel / "main.c", users_kernel / "other.c")
    (users_kernel / "main.c").write_text(SOURCES["6.12"]["main.c"])
    checkout.run("tree", KSRC=str(users_kernel))
    assert checkout.subjects("ksrc") == [CHECK, ADD, EXTEND]
    assert not (users_kernel / ".git").exists()


def test_ksrc_is_no_base_to_bring_back(checkout, users_kernel):
    checkout.run("tree", KSRC=str(users_kernel))
    assert "unset KSRC" in checkout.run("refresh", KSRC=str(users_kernel), fails=True)
    assert "unset KSRC" in checkout.run("port", "--from", "7.3", "--to", "6.12", KSRC=str(users_kernel), fails=True)


def test_ksrc_must_be_a_kernel(checkout, tmp_path):
    assert "is not a kernel source tree" in checkout.run("tree", KSRC=str(tmp_path), fails=True)
