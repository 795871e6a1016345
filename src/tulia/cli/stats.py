"""`tulia stats`: a calculator for experiments. A JSON line in, {"kind", "inputs"}; an answer out, at once."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import orjson

from tulia.experiments.answering import answer
from tulia.experiments.asked import QuestionInvalid

ABOUT = "experiment calculator: JSON lines {kind, inputs} in, one answer a line out"
_LONGEST_LINE = 4_000_000


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """So that `tulia --help` lists it. It is run by `run`, before anything that needs a database is loaded."""
    commands.add_parser("stats", help=ABOUT)


def run(argv: Sequence[str]) -> int:
    """Answers standard input until it ends; 0 also when lines were wrong, since each has its error in its place."""
    argparse.ArgumentParser(prog="tulia stats", description=ABOUT).parse_args(argv)
    try:
        answer_lines(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:  # the reader of our output had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def answer_lines(questions: BinaryIO, answers: BinaryIO) -> None:
    """One line out for each line in, written at once; empty lines are passed over."""
    for line in _lines(questions):
        if line is None:
            refused = QuestionInvalid("too_long", None, f"A line may have {_LONGEST_LINE:,} bytes at most.")
            answered: dict[str, object] = _refusal(refused)
        elif line.isspace():
            continue
        else:
            answered = answer_line(line)
        answers.write(orjson.dumps(answered) + b"\n")
        answers.flush()


def answer_line(line: bytes) -> dict[str, object]:
    """The answer to one line, or what is wrong with it. An `id` of the question comes back."""
    try:
        question = orjson.loads(line)
    except orjson.JSONDecodeError as wrong:
        return _refusal(QuestionInvalid("invalid_json", None, f"This line is not JSON: {wrong}."))
    if not isinstance(question, dict):
        return _refusal(QuestionInvalid("invalid", None, "A line must be an object with kind and inputs."))
    named = {"id": question["id"]} if isinstance(question.get("id"), str | int) else {}
    try:
        return named | answer(question.get("kind"), question.get("inputs"))
    except QuestionInvalid as refused:
        return named | _refusal(refused)


def _refusal(refused: QuestionInvalid) -> dict[str, object]:
    error = {"code": refused.code, "field": refused.field, "message": str(refused)}
    return {"status": "invalid_input", "error": error}


def _lines(questions: BinaryIO) -> Iterator[bytes | None]:
    """The lines, or None for one that is too long; what is left of that is passed over."""
    while line := questions.readline(_LONGEST_LINE):
        if len(line) < _LONGEST_LINE or line.endswith(b"\n"):
            yield line
            continue
        yield None
        while (rest := questions.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass
