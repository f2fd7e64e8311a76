#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Answers for programs are of their schemas, which know every member and every
# word, and say what the answer for people says.
#
# Usage: json.sh IMATALLY MKLOG WRITE_STORY

set -euo pipefail

if ! python3 -c 'import jsonschema' 2>/dev/null; then
	echo "  SKIP    python3-jsonschema is not installed"
	exit 0
fi
IMATALLY=$1 MKLOG=$2 STORY=$3 exec python3 -W ignore - "$(dirname "$0")/.." <<'END'
import json, os, re, subprocess, sys, tempfile
import jsonschema

top = os.path.abspath(sys.argv[1])
imatally, mklog, write_story = (os.environ[n] for n in ("IMATALLY", "MKLOG", "STORY"))


def fail(text):
    sys.exit(f"  FAIL    {text}")


def strict(schema):
    """The same, but a member that it does not list is an error."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(part) for key, part in schema.items()}
    if schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def load(name):
    with open(f"{top}/schemas/{name}.schema.json") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(strict(schema))


schemas = {"verify": load("result"), "show": load("record")}


def run(*args, stdin=None):
    """Exit status and the lines, each validated"""
    done = subprocess.run([imatally, *args], stdin=stdin, capture_output=True)
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    for line in lines:
        for error in schemas[args[0]].iter_errors(line):
            fail(f"{args}: {error.json_path}: {error.message}")
    return done.returncode, lines


def verify(verdict, status, *args):
    code, lines = run("verify", "--json", *args)
    if len(lines) != 1:
        fail(f"{args}: {len(lines)} lines")
    answer = lines[0]
    if (answer["verdict"], answer["status"], code) != (verdict, status, status):
        fail(f"{args}: {answer['verdict']}, {answer['status']}, {code}")
    return answer


def equal(what, got, wanted):
    if got != wanted:
        fail(f"{what}: {got}, not {wanted}")


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    subprocess.run([mklog, ".", "2"], check=True)
    answer = verify("complete", 0, "log", "--pcrs", "pcrread")
    equal("log", answer["log"], "log")
    equal("signer", answer["signer"], None)
    equal("targets", [t["match"] for t in answer["targets"] if t["in_log"]],
          ["same"] * 2)
    verify("error", 3, "log")
    verify("error", 3, "log", "--no-such-option")
    verify("error", 3, "log", "--pcrs")
    verify("error", 3, "nothing", "--pcrs", "pcrread")
    equal("text", verify("error", 3, "nothing", "--pcrs", "pcrread")["error"]["text"],
          "nothing: No such file or directory")
    verify("error", 3, "--evidence", ".", "--ak", "log", "--nonce", "00")
    # a name that is not UTF-8
    name = b"no\xff\xc3file".decode(errors="surrogateescape")
    equal("log", verify("error", 3, name, "--pcrs", "pcrread")["log"], "no??file")

    with open("log", "rb") as file:
        log = file.read()
    with open("cut", "wb") as file:
        file.write(log[:-1])
    error = verify("error", 3, "cut", "--pcrs", "pcrread")["error"]
    if error["entry"] < 20 or not 0 < error["offset"] < len(log):
        fail(f"cut: {error}")
    with open("edited", "wb") as file:
        file.write(log.replace(b"file7\0", b"file8\0"))
    answer = verify("mismatch", 2, "edited", "--pcrs", "pcrread")
    equal("kinds", {f["kind"] for f in answer["findings"] if f["severity"] == "fault"},
          {"altered", "differs_at_record"})

    subprocess.run([write_story, "log", "pcrread"], check=True)
    answer = verify("incomplete", 1, "log", "--pcrs", "pcrread", "--strict")
    equal("strict", answer["strict"], True)
    equal("totals", [answer[k] for k in ("lost", "dropped", "failed")], [21, 3, 2])
    equal("entries", answer["entries"], sum(i["entries"] for i in answer["intervals"]))
    equal("lost", 21, sum((i["lost"] or 0) + (i["lost_at_kexec"] or 0)
                          for i in answer["intervals"]))
    equal("kinds", sorted({f["kind"] for f in answer["findings"]}),
          ["dropped", "failed", "failed_entry", "lost", "others", "unexplained",
           "unjudged"])
    equal("unjudged", [f["unjudged"] for f in answer["findings"] if f["kind"] == "unjudged"],
          [["resume"], ["error"], ["error"]])
    # each finding is worded as for people
    text = subprocess.run([imatally, "verify", "log", "--pcrs", "pcrread"],
                          capture_output=True).stdout.decode()
    for finding in answer["findings"]:
        if finding["text"] not in text:
            fail(f"not in the text: {finding['text']}")
    # counters add up
    counter = None
    for interval in answer["intervals"][1:-1]:
        if counter is not None and interval["counter"] is not None:
            equal("counter", interval["pcrUpdateCounter"], counter + interval["counter"])
        counter = interval["pcrUpdateCounter"]

    status, lines = run("show", "--json", "log")
    equal("show", (status, len(lines)), (0, answer["records"]))
    equal("record", [line["event"] for line in lines][:3], ["boot", "policy", "request"])
    equal("error", [line["tpm_error"] for line in lines if "tpm_error" in line], ["ETIME"])
    status, lines = run("show", "--json", "cut")
    equal("show", (status, list(lines[-1])), (3, ["error"]))
    equal("show", run("show", "--json")[0], 3)
    with open("/dev/full", "w") as full:
        equal("a full disk", subprocess.run([imatally, "verify", "--json", "log", "--pcrs",
              "pcrread"], stdout=full, stderr=subprocess.DEVNULL).returncode, 3)

# The library's words are those of the schema and of the manual page
with open(f"{top}/lib/names.c") as file:
    words = set(re.findall(r'return "(\w+)"', file.read()))
with open(f"{top}/lib/finding.c") as file:
    kinds = set(re.findall(r'{ "(\w+)", IMATALLY', file.read()))
    assert len(kinds) > 20
    words |= kinds
with open(f"{top}/schemas/result.schema.json") as file:
    schema = file.read()
with open(f"{top}/man/imatally-result.5") as file:
    page = re.sub(r"\\-", "-", file.read())
for word in words:
    if f'"{word}"' not in schema:
        fail(f"{word} is not in result.schema.json")
    if not re.search(rf"\b{word}\b", page):
        fail(f"{word} is not in imatally-result.5")
defs = schemas["verify"].schema["$defs"]
members = set(schemas["verify"].schema["properties"]) | set(schemas["show"].schema["properties"])
for name in ("point", "interval", "finding", "target", "signer"):
    members |= set(defs[name]["properties"])
for branch in defs["finding"]["oneOf"]:
    if not set(branch["properties"]["kind"]["enum"]) <= words:
        fail(f"a kind that the library does not know: {branch}")
for member in members - set(schemas["show"].schema["properties"]):
    if not re.search(rf"\b{member}\b", page):
        fail(f"{member} is not in imatally-result.5")
END
