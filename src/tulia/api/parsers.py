"""Reading JSON strictly: what can't be stored or understood is refused with the place where it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from tulia.api.errors import TooLarge

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 64


class StrictJsonParser(BaseParser):
    """An object of JSON in UTF-8, at most 1 MiB and 64 levels deep, without NUL characters in its texts."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        raw = stream.read(MAX_BODY_BYTES + 1)
        if len(raw) > MAX_BODY_BYTES:
            raise TooLarge("The body is larger than 1 MiB.")
        return parse_object(raw)


def parse_object(raw: bytes) -> dict[str, Any]:
    """Raises ParseError saying what is wrong and where."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"The body is not valid JSON: {error}.") from error
    if not isinstance(found, dict):
        raise ParseError("The body must be a JSON object.")
    # Both checks need a walk only when the raw bytes make the fault possible at all.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH or b"\\u0000" in raw:
        _walk(found)
    json.loads(raw, object_pairs_hook=_without_repetition)
    return found


def _without_repetition(pairs: list[tuple[str, Any]]) -> None:
    """Of a key given twice nobody knows which was meant."""
    if len({key for key, _ in pairs}) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParseError(f"{twice} is given twice in one object: give it once.")


def _walk(found: dict[str, Any]) -> None:
    waiting: list[tuple[Any, str, int]] = [(found, "", 1)]
    while waiting:
        value, path, depth = waiting.pop()
        if isinstance(value, str):
            if "\x00" in value:
                raise ParseError(f"{path} contains the character NUL, which can't be stored.")
            continue
        if not isinstance(value, dict | list):
            continue
        if depth > MAX_DEPTH:
            raise ParseError(f"The body is nested more than {MAX_DEPTH} levels deep.")
        if isinstance(value, list):
            waiting.extend((inner, f"{path}[{index}]", depth + 1) for index, inner in enumerate(value))
            continue
        for key, inner in value.items():
            if "\x00" in key:
                raise ParseError(f"A key in {path or 'the body'} contains the character NUL, which can't be stored.")
            waiting.append((inner, f"{path}.{key}" if path else key, depth + 1))
