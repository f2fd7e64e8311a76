# SPDX-License-Identifier: GPL-2.0-only
"""The command, asked at each quote of a history with the state that it wrote at the one before."""

import json
import subprocess
from pathlib import Path

from model import check
from model.cases import History, lived
from model.check import ERROR, FORMS, REFUSED
from model.driver import FILE, Library
from model.machine import Quote
from model.truth import shown

SAME = ("verdict", "entries", "records", "kernels", "lost", "dropped", "failed", "trimmed", "tail")


def asked(binary: Path, folder: Path, quote: Quote, parts: list[bytes]) -> dict:
    names = [f"part{number}" for number in range(len(parts))]
    for name, part in zip(names, parts):
        (folder / name).write_bytes(part)
    (folder / "pcrs").write_text(quote.pcrs, encoding="ascii")
    done = subprocess.run([binary, "verify", "--json", "--state", "state", "--pcrs", "pcrs", "--ima-pcr",
                           str(quote.ima_pcr), *names], cwd=folder, capture_output=True, check=False)
    return json.loads(done.stdout)


def differences(library: Library, binary: Path, folder: Path, history: History) -> list[str]:
    """Where the command does not answer as the library, whose answers are compared with the truth elsewhere."""
    found, state = [], None
    form = next(form for form in FORMS if form.parts)
    for number, quote in enumerate(lived(history).quotes):
        parts = check.rendered([shown(part) for part in quote.parts], form) or [b""]
        right = library.verify(parts, quote.pcrs, how=FILE, ima_pcr=quote.ima_pcr, state=state, keep_state=True)
        if right.verdict not in REFUSED and right.state:
            state = right.state
        said = asked(binary, folder, quote, parts)
        if right.verdict == ERROR:
            found += [] if "error" in said else [f"quote {number}: {said['verdict']}, not an error"]
            continue
        found += [f"quote {number}: {name} {said.get(name)}, not {right.data[name]}" for name in SAME
                  if said.get(name) != right.data[name]]
    return found
