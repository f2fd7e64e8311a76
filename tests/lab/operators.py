# SPDX-License-Identifier: GPL-2.0-only
"""
Makes mutants of C by operators: each is one small edit of a function, such as a condition that is negated.

Nothing is parsed but tokens, so an edit need not compile. It never changes how many lines a file has.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

TOKEN = re.compile(r"""
    (?P<space>   \s+ | /\*.*?\*/ | //[^\n]* | ^[ \t]*\#(?:\\\n|[^\n])* )
  | (?P<text>    "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' )
  | (?P<number>  \d\w* )
  | (?P<name>    [A-Za-z_]\w* )
  | (?P<sign>    <<= | >>= | -> | \+\+ | -- | << | >> | [-+*/%&|^<>=!]= | && | \|\| | . )
""", re.S | re.M | re.X)

BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
LOGIC = {"&&": "||", "||": "&&"}
CONSTANT = {"true": "false", "false": "true"}
CLOSING = {"(": ")", "[": "]", "{": "}"}
# What begins a statement that has others in it, or none that could be deleted
NO_STATEMENT = {"if", "for", "while", "do", "switch", "else", "case", "default", ";", "{", "}"}
JUMPS = {"return", "goto", "break", "continue"}


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True)
class Change:
    """An edit: text[start:end] becomes @new."""

    file: str
    function: str
    operator: str
    # Of the first character, from 1, and what is there
    line: int
    source: str
    start: int
    end: int
    new: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.operator}: {self.source} (in {self.function})"

    def apply(self, tree: Path) -> None:
        path = tree / self.file
        text = path.read_text(encoding="utf-8")
        path.write_text(text[:self.start] + self.new + text[self.end:], encoding="utf-8")


def tokens(text: str) -> list[Token]:
    return [Token(found.lastgroup or "", found[0], found.start()) for found in TOKEN.finditer(text)
            if found.lastgroup != "space"]


def partners(of: list[Token]) -> dict[int, int]:
    """The index of each opening bracket's closing one, and the other way round."""
    found, opened = {}, []
    for index, token in enumerate(of):
        if token.text in CLOSING:
            opened.append(index)
        elif opened and token.text == CLOSING[of[opened[-1]].text]:
            first = opened.pop()
            found[first], found[index] = index, first
    return found


def functions(of: list[Token], partner: dict[int, int]) -> Iterator[tuple[str, int, int]]:
    """Each function's name, and the indices of the brackets around its body."""
    index = 0
    while index < len(of):
        if of[index].text in CLOSING and index in partner:
            if of[index].text == "{" and index and of[index - 1].text == ")" and index - 1 in partner:
                yield of[partner[index - 1] - 1].text, index, partner[index]
            index = partner[index]
        index += 1


def is_declaration(of: list[Token], index: int) -> bool:
    """Does "TYPE NAME" or "TYPE *NAME" begin there?"""
    if of[index].kind != "name" or of[index].text in JUMPS:
        return False
    after = index + 1
    while of[after].text == "*":
        after += 1
    return of[after].kind == "name"


def next_of(of: list[Token], partner: dict[int, int], index: int, *wanted: str) -> int:
    """The index of the next token that is @wanted, or that closes a bracket; what is in brackets is passed over."""
    while of[index].text not in (*wanted, *CLOSING.values()):
        index = partner.get(index, index) + 1
    return index


def edits(text: str, of: list[Token], partner: dict[int, int], first: int, last: int) -> Iterator[tuple[str, int, int, str]]:
    """The edits of the tokens first..last, the inside of a function: operator, start, end and new text."""
    depth, begins = 0, True
    for index in range(first, last):
        token, before = of[index], of[index - 1]
        if token.text == "if" and of[index + 1].text == "(":
            inside = text[of[index + 1].end:of[partner[index + 1]].start]
            yield "negate", of[index + 1].end, of[partner[index + 1]].start, f"!({inside})"
        elif token.text in BOUNDARY:
            yield "boundary", token.start, token.end, BOUNDARY[token.text]
        elif token.text in LOGIC:
            yield "logic", token.start, token.end, LOGIC[token.text]
        elif token.kind == "number" or token.text in CONSTANT:
            yield "constant", token.start, token.end, CONSTANT.get(token.text, f"({token.text} + 1)")
        elif token.text == "?" and of[index + 1].text != ":":
            colon = next_of(of, partner, index + 1, ":")
            end = next_of(of, partner, colon + 1, ";", ",", ":")
            if of[colon].text == ":":
                one = text[of[index + 1].start:of[colon - 1].end]
                between = text[of[colon - 1].end:of[colon + 1].start]
                other = text[of[colon + 1].start:of[end - 1].end]
                yield "swap", of[index + 1].start, of[end - 1].end, f"{other}{between}{one}"

        if begins and not depth and token.text not in NO_STATEMENT and not is_declaration(of, index) and \
                of[index + 1].text != ":":
            end = next_of(of, partner, index, ";")
            if of[end].text == ";":
                yield "delete", token.start, of[end].end, "\n" * text.count("\n", token.start, of[end].start) + ";"

        if token.text in ("(", "["):
            depth += 1
        elif token.text in (")", "]"):
            depth -= 1
        head = of[partner[index] - 1].text if token.text == ")" and index in partner else ""
        label = token.text == ":" and (before.text == "default" or of[index - 2].text in (*NO_STATEMENT, ":", "case"))
        begins = token.text in (";", "{", "}", "else", "do") or head in ("if", "for", "while", "switch") or label


def changes(file: str, text: str, lines: Iterable[int]) -> list[Change]:
    """All edits of @text, the file @file, that begin on one of @lines (from 1)."""
    wanted = set(lines)
    of = tokens(text)
    partner = partners(of)
    source = text.splitlines()
    found = []
    for function, first, last in functions(of, partner):
        for operator, start, end, new in edits(text, of, partner, first + 1, last):
            line = text.count("\n", 0, start) + 1
            if line in wanted:
                found.append(Change(file, function, operator, line, source[line - 1].strip(), start, end, new))
    return found
