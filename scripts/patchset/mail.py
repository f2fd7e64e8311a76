# SPDX-License-Identifier: GPL-2.0-only
"""
The mailable series: cover letter, and patches with their new files.

All patches are in build/BASE/series and the cover letter is patches/cover-letter, or one topic is in
build/BASE/series-TOPIC with patches/TOPIC/cover-letter. A topic without one is mailed without. Beside the folder, the
patches are in one mailbox for git am.

The kernel's Developer's Certificate of Origin requires the sign-off of the sender. The patches in this repository carry
that of the project, which is replaced.
"""

import shutil
from email.utils import parseaddr
from pathlib import Path

from patchset import patches, tree
from patchset.console import Failed, say
from patchset.git import bytes_of, commit_tree, commits, git, identity, text_of
from patchset.paths import PATCHES

OPTIONS = ["format-patch", "--quiet", "--thread=shallow"]


def find_topic(wanted: str) -> str:
    """The topic of that name, or of that number."""
    for topic in patches.topics():
        if wanted in (topic, topic.partition("-")[0]):
            return topic
    raise Failed(f"there is no topic {wanted}; known: {' '.join(patches.topics())}")


def range_of(base: str, topic: str) -> str:
    """The commits of a topic in the tree of a base."""
    own = [patches.subject(patch) for patch in patches.patches(tree.patch_base(base)) if patches.topic_of(patch) == topic]
    if not own:
        raise Failed(f"the topic {topic} has no patches for {base}")
    found = [commit for commit in tree.series(base) if commit.subject in own]
    return f"{found[0].parent}..{found[-1].id}"


def fill_in(letter: Path, text: str) -> None:
    """Put the subject and the body of a cover letter into git's."""
    subject, _, body = text.partition("\n")
    mail = text_of(letter.read_bytes())
    mail = mail.replace("*** SUBJECT HERE ***", subject, 1).replace("*** BLURB HERE ***", body.strip("\n"), 1)
    letter.write_bytes(bytes_of(mail))


def sign_off(where: Path, span: str, person: str) -> str:
    """Commit the commits of a span again, by a person and with their sign-off in place of the author's. Returns the span."""
    name, address = parseaddr(person)
    if not name or "@" not in address:
        raise Failed(f"sign-off: {person}: not a name and an address: expected 'Name <mail>'")
    parent = span.partition("..")[0]
    tip = parent
    for commit in commits(where, "--reverse", span):
        message = commit.message.replace(sign_off_line(commit.author, commit.email), "")
        tip = commit_tree(where, commit.tree, message + sign_off_line(name, address), tip,
                          env=identity(name, address, commit.date))
    return f"{parent}..{tip}"


def sign_off_line(name: str, address: str) -> str:
    return f"Signed-off-by: {name} <{address}>\n"


def mail(base: str, wanted: str = "", signed_off_by: str = "") -> Path:
    """Write the series, or one topic, and return the folder. SIGNED_OFF_BY is who mails it: Name <mail>."""
    where = tree.tree(base)
    topic = find_topic(wanted) if wanted else ""
    span = range_of(base, topic) if topic else f"{tree.base_ref(base)}..{tree.series_ref(base)}"
    if signed_off_by:
        span = sign_off(where, span, signed_off_by)
    else:
        say("note: the kernel requires the sign-off of the sender: SIGNED_OFF_BY='Name <mail>'")
    cover = PATCHES / topic / "cover-letter"
    out = where.parent / (f"series-{topic}" if topic else "series")
    shutil.rmtree(out, ignore_errors=True)

    # The cover letter is by the author of the patches, also on a machine where git knows nobody
    author = commits(where, "-1", span.partition("..")[2])[0].identity()
    del author["GIT_COMMITTER_DATE"]
    options = [*OPTIONS, f"--base={git(where, 'rev-parse', tree.base_ref(base))}", "--output-directory", out]
    if cover.exists():
        git(where, *options, "--cover-letter", span, env=author)
        fill_in(next(out.glob("0000-*")), cover.read_text(encoding="utf-8"))
    else:
        say(f"note: there is no {cover.relative_to(PATCHES.parent)}")
        git(where, *options, span, env=author)
    out.with_suffix(".mbox").write_bytes(bytes_of(git(where, "format-patch", "--stdout", span) + "\n"))
    return out
