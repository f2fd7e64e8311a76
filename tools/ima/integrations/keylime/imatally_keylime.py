# SPDX-License-Identifier: GPL-2.0-only
"""
Has Keylime's verifier judge the pcr_counter records of IMA measurement lists by imatally.

Name this module in "measured_boot_imports" of verifier.conf. Importing it replaces three things in Keylime, which has
no interface for that: the templates that ast.py parses (ima-txt is added), the judgement of a buffer (a record needs
no place in the allow list), and the replay of a list (imatally verifies the list, too). If Keylime is not as expected,
or imatally cannot run, the import raises ImportError and the verifier does not start.

Agents choose the lines of their list, how many there are, and at which one they begin; the PCR value is from a quote
that Keylime has checked. The lines are bytes in a file here, and arguments of imatally do not depend on them.
"""

import codecs
import contextlib
import fcntl
import inspect
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple
from urllib.parse import quote

from keylime import config, keylime_logging
from keylime.agentstates import AgentAttestState
from keylime.common.algorithms import Hash
from keylime.failure import Component, Failure
from keylime.ima import ast, ima
from keylime.tpm import tpm_main

logger = keylime_logging.init_logging("imatally")

# A folder for each agent: its list as far as Keylime has it, and the state of imatally
FOLDER = Path(config.WORK_DIR) / "imatally"
# The verifier serves nobody else meanwhile. imatally reads some million entries a second.
SECONDS = 60
# Of the list of one agent, and of what a failure event repeats
MAX_LIST = 1 << 30
MAX_FINDINGS = 10
MAX_TEXT = 300

GOOD = ("complete", "complete_not_counted")
BAD = ("incomplete", "mismatch")


class Unjudged(Exception):
    """imatally has no verdict, for a reason that is not the list's."""


# ---- What Keylime parses and accepts

class ImaTxt(ast.ImaBuf):
    """The template ima-txt: the bytes of ima-buf, shown as text in which some are escaped as \\xNN."""

    def __init__(self, data: str):
        tokens = data.split(" ", maxsplit=2)
        if len(tokens) != 3 or not re.fullmatch(r"(?:[!-\[\]-~]|\\x[0-9a-f]{2})*", tokens[2]):
            raise ast.ParserError("Cannot create ImaTxt: no digest, name and text without spaces.")
        text = codecs.escape_decode(tokens[2].encode("ascii"))[0]  # type: ignore[attr-defined]
        super().__init__(f"{tokens[0]} {tokens[1]} {text.hex()}")

    def is_data_valid(self, validator: ast.Validator) -> Failure:
        return validator.get_validator(ast.ImaBuf)(self.digest, self.name, self.data)


def is_record(path: ast.Name, data: ast.Buffer) -> bool:
    """A record of the kernel's, or what root has invented in its place: imatally judges it. A key has no such data."""
    return path.name == "pcr_counter" and data.data.startswith(b"version=")


# ---- The list of each agent, and imatally

def printable(text: Any) -> str:
    """What imatally said, fit for Keylime's log, database and messages."""
    return str(text)[:MAX_TEXT].encode("unicode_escape").decode("ascii")


def imatally(measurements: Path, state: Optional[Path], pcrval: str, hash_alg: Hash) -> Dict[str, Any]:
    """The answer of imatally about a list of which the IMA PCR was quoted with this value."""
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2})+", pcrval):
        raise Unjudged("the quoted PCR value is not hexadecimal")
    arguments = [PROGRAM, "verify", "--json", "--pcr", f"{hash_alg.value}:/dev/stdin", "--ima-pcr", str(config.IMA_PCR)]
    if state is not None:
        arguments += ["--state", str(state)]
    try:
        done = subprocess.run([*arguments, str(measurements)], input=pcrval.encode("ascii"), stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=SECONDS, check=False)
        answer = json.loads(done.stdout)
        if (answer["format"], answer["version"], answer["status"]) != ("imatally-result", 1, done.returncode):
            raise Unjudged("the answer of imatally is not one that this module knows")
        return answer  # type: ignore[no-any-return]
    except subprocess.TimeoutExpired as error:
        raise Unjudged(f"imatally did not answer within {SECONDS} s") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unjudged("imatally gave no answer") from error


@contextlib.contextmanager
def folder_of(agent_id: Optional[str]) -> Iterator[Path]:
    """The folder of an agent, for this process alone; a temporary one where there is no agent."""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    if agent_id is None:
        with tempfile.TemporaryDirectory(dir=FOLDER) as name:
            yield Path(name)
        return
    # Neither a slash nor ".." can be in such a name
    folder = FOLDER / ("agent-" + quote(agent_id, safe=""))
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(lock)


def end_of_line(number: int, path: Path) -> Optional[int]:
    """The offset behind so many lines of a file; None if it has fewer."""
    if number == 0:
        return 0
    offset = 0
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        while block := file.read(1 << 20):
            lines = block.count(b"\n")
            if lines >= number:
                at = -1
                for _ in range(number):
                    at = block.index(b"\n", at + 1)
                return offset + at + 1
            number -= lines
            offset += len(block)
    return None


def keep(path: Path, start: int, lines: List[str]) -> None:
    """Replace what follows the offset @start by these lines: those after a quoted value are handed over again."""
    # Keylime passes over empty lines, and counts them: they stay, and imatally refuses the list, unless they are what
    # split() has left at its end. An agent's string may have half a surrogate pair, which is in no list.
    text = "\n".join(lines).rstrip("\n").encode("utf-8", "surrogatepass")
    text += b"\n" if text else b""
    if start + len(text) > MAX_LIST:
        raise Unjudged(f"the list has more than {MAX_LIST} bytes")
    with open(path, "r+b" if path.exists() else "w+b") as file:
        file.truncate(start)
        file.seek(start)
        file.write(text)
        file.flush()
        # A state must not speak of what a power failure takes away
        os.fsync(file.fileno())


def judge(agent_id: Optional[str], first: int, lines: List[str], pcrval: str, hash_alg: Hash) -> Optional[Dict[str, Any]]:
    """
    The answer about a list whose lines from @first on are these. None if the lines before are not here, since this
    module was installed later than the agent was enrolled, or its folder was lost.
    """
    with folder_of(agent_id) as folder:
        path = folder / "list"
        start = end_of_line(first, path)
        if start is None:
            return None
        keep(path, start, lines)
        return imatally(path, folder / "state" if agent_id is not None else None, pcrval, hash_alg)


def event_of(answer: Dict[str, Any]) -> Optional[Tuple[str, Dict[str, Any]]]:
    """The failure event of an answer, and what it says; None if the list is complete."""
    verdict = answer.get("verdict")
    if verdict in GOOD:
        return None
    if verdict not in BAD:
        error = answer.get("error")
        return "error", {"message": "imatally: " + printable(error.get("text") if isinstance(error, dict) else verdict)}
    said: Dict[str, Any] = {"message": f"imatally: the measurement list is {verdict}" if verdict == "incomplete"
                            else "imatally: the measurement list has no consistent reading"}
    said.update({key: answer[key] for key in ("lost", "dropped", "failed") if isinstance(answer.get(key), int)})
    found = [finding for finding in answer.get("findings", []) if finding.get("severity") in ("fault", "loss")]
    said["findings"] = [printable(finding.get("text")) for finding in found[:MAX_FINDINGS]]
    return verdict, said


# ---- In Keylime's place

def process_measurement_list(
    agentAttestState: Optional[AgentAttestState],
    lines: List[str],
    runtime_policy: Any = None,
    pcrval: Optional[str] = None,
    ima_keyrings: Any = None,
    boot_aggregates: Any = None,
    hash_alg: Hash = Hash.SHA1,
) -> Tuple[str, Failure]:
    """Keylime's function, and imatally's verdict as one more failure event, ima.imatally.VERDICT."""
    # Keylime's function moves it on
    first = agentAttestState.get_next_ima_ml_entry() if agentAttestState is not None else 0
    running_hash, failure = keylimes_process(
        agentAttestState, lines, runtime_policy, pcrval, ima_keyrings, boot_aggregates, hash_alg)
    if pcrval is None:
        return running_hash, failure

    agent_id = agentAttestState.get_agent_id() if agentAttestState is not None else None
    event: Optional[Tuple[str, Dict[str, Any]]]
    try:
        answer = judge(agent_id, first, lines, pcrval, hash_alg)
        event = event_of(answer) if answer is not None else None
    except (Unjudged, OSError) as error:
        answer, event = {}, ("error", {"message": "imatally: " + printable(error)})

    if answer is None:
        logger.warning("The list of agent %s before entry %d is not here; the whole list is verified next", agent_id, first)
    if event is not None:
        logger.error("%s", event[1]["message"])
        judged = Failure(Component.IMA, ["imatally"])
        judged.add_event(event[0], event[1], True)
        failure.merge(judged)
    if agentAttestState is not None and (event is not None or answer is None):
        # As Keylime does on a failure: the agent hands over the whole list the next time
        agentAttestState.reset_ima_attestation()
    return running_hash, failure


def validate_ima_buf(
    exclude_regex: Any,
    runtime_policy: Any,
    ima_keyrings: Any,
    dm_validator: Any,
    digest: ast.Digest,
    path: ast.Name,
    data: ast.Buffer,
) -> Failure:
    """Keylime's function, and a record passes."""
    if is_record(path, data):
        return Failure(Component.IMA)
    return keylimes_validate(exclude_regex, runtime_policy, ima_keyrings, dm_validator, digest, path, data)


def find_program() -> str:
    program = shutil.which("imatally")
    if program is None:
        raise ImportError("imatally_keylime: there is no imatally in PATH")
    try:
        subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=SECONDS,
                       check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise ImportError(f"imatally_keylime: {program} does not run: {error}") from error
    return program


def original(name: str, replacement: Any) -> Any:
    """Keylime's function of that name, which must take what the replacement takes."""
    function = getattr(ima, name, None)
    if function is None or list(inspect.signature(function).parameters) != list(inspect.signature(replacement).parameters):
        raise ImportError(f"imatally_keylime: this version of Keylime has no keylime.ima.ima.{name}() as 7.14 has it")
    return function


def install() -> None:
    """Replace Keylime's functions, once it is known that Keylime calls what is replaced."""
    modes = getattr(ast.Entry, "_mode_lookup", {})
    check = getattr(tpm_main.Tpm, "_Tpm__check_ima", None)
    if modes.get("ima-buf") is not ast.ImaBuf or check is None:
        raise ImportError("imatally_keylime: this version of Keylime parses or checks lists otherwise than 7.14 does")
    called: List[bool] = []

    def probe(*_: Any, **__: Any) -> Tuple[str, Failure]:
        called.append(True)
        return "", Failure(Component.IMA)

    ima.process_measurement_list = probe  # type: ignore[assignment]
    try:
        check(None, "", "", None, None, None, Hash.SHA1)
    except Exception:  # pylint: disable=broad-except
        called.clear()
    if not called:
        ima.process_measurement_list = keylimes_process
        raise ImportError("imatally_keylime: this version of Keylime does not call what this module replaces")
    ima.process_measurement_list = process_measurement_list
    ima._validate_ima_buf = validate_ima_buf  # pylint: disable=protected-access
    modes.setdefault("ima-txt", ImaTxt)


PROGRAM = find_program()
keylimes_process = original("process_measurement_list", process_measurement_list)
keylimes_validate = original("_validate_ima_buf", validate_ima_buf)
install()
