"""Reading the fields of a customer, whoever sends them: a form, a program, or a line of a file.

Each `read_…` takes what was sent and gives what is stored, or raises `Wrong` with what to do instead. Cells of files
repeat, so readings of short texts are remembered.
"""

from __future__ import annotations

import math
import re
import zoneinfo
from collections.abc import Mapping
from functools import cache, lru_cache

from tulia.audience import phone as phones
from tulia.audience.countries import COUNTRY_CODES
from tulia.audience.criteria_tree import MAX_NAME_LENGTH, MAX_NUMBER, MAX_TAG_LENGTH, MAX_TEXT_LENGTH, Scalar

MAX_LENGTH = 200
"""Longest name and external id."""
MAX_TAGS = 200
MAX_ATTRIBUTES = 100

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,2}")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,15})?")
_FLAGS = {"true": True, "false": False}


class Wrong(ValueError):
    """A field can't be stored as it is; `reason` says what to do, beginning with "must"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_text(value: object, *, most: int = MAX_LENGTH) -> str:
    """A text without leading and trailing space, perhaps empty."""
    text = _text(value).strip()
    if len(text) > most:
        raise Wrong(f"must have {most:,} characters at most")
    if not text.isascii() or "\x00" in text:
        check_storable(text)
    return text


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Wrong("must be a text")
    return value


def check_storable(text: str) -> None:
    """Raises Wrong for what PostgreSQL can't hold in a text."""
    if _UNSTORABLE.search(text):
        raise Wrong("must not hold NUL characters or halves of surrogate pairs")


def read_external_id(value: object) -> str | None:
    """None for an empty one; whole numbers are taken for their digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return read_text(value) or None


def read_phone(value: object, *, country: str) -> str:
    """E.164; `country` completes numbers that are written without theirs."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not _text(value).strip():
        raise Wrong("must not be empty")
    try:
        return phones.normalise(_text(value), default_country=country)
    except phones.BadPhone as error:
        raise Wrong(f"must be a phone number with its country code, like +254712345678. {error.reason}") from error


def read_language(value: object) -> str:
    return _language(_text(value))


@lru_cache(maxsize=4_096)
def _language(value: str) -> str:
    text = read_text(value, most=20)
    if text and not _LANGUAGE.fullmatch(text):
        raise Wrong("must be a language code, like sw or pt-BR")
    return text


def read_timezone(value: object) -> str:
    return _timezone(_text(value))


@lru_cache(maxsize=4_096)
def _timezone(value: str) -> str:
    text = read_text(value, most=64)
    if text and text not in _time_zones():
        raise Wrong("must be an IANA time zone, like Africa/Nairobi")
    return text


def read_country(value: object) -> str:
    return _country(_text(value))


@lru_cache(maxsize=4_096)
def _country(value: str) -> str:
    text = read_text(value, most=20).upper()
    if text and text not in COUNTRY_CODES:
        raise Wrong("must be an ISO 3166 code of two letters, like KE")
    return text


def read_tags(value: object) -> tuple[str, ...]:
    """A list of tags, or one text with semicolons between them; sorted, each once."""
    if isinstance(value, str):
        return _tags_of_text(value)
    if not isinstance(value, list | tuple):
        raise Wrong("must be a list of texts")
    return _checked_tags({read_text(tag, most=MAX_TAG_LENGTH) for tag in value})


@lru_cache(maxsize=4_096)
def _tags_of_text(value: str) -> tuple[str, ...]:
    return _checked_tags({read_text(tag, most=MAX_TAG_LENGTH) for tag in value.split(";")})


def _checked_tags(tags: set[str]) -> tuple[str, ...]:
    tags.discard("")
    if len(tags) > MAX_TAGS:
        raise Wrong(f"must be {MAX_TAGS} tags at most")
    if any(";" in tag for tag in tags):
        raise Wrong("must not hold a semicolon, which stands between tags in files")
    return tuple(sorted(tags))


def read_attributes(value: object) -> dict[str, Scalar | None]:
    """A flat object; null takes an attribute away."""
    if not isinstance(value, Mapping):
        raise Wrong("must be an object")
    if len(value) > MAX_ATTRIBUTES:
        raise Wrong(f"must be {MAX_ATTRIBUTES} at most")
    return {read_attribute_name(name): _attribute(name, content) for name, content in value.items()}


@lru_cache(maxsize=4_096)
def read_attribute_name(name: str) -> str:
    if not name or name != read_text(name, most=MAX_NAME_LENGTH):
        raise Wrong("must have names that are neither empty nor begin or end with a space")
    return name


def _attribute(name: object, value: object) -> Scalar | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > MAX_NUMBER:
            raise Wrong(f"must be numbers up to {MAX_NUMBER:,} ({name})")
        return value
    if not isinstance(value, str):
        raise Wrong(f"must be texts, numbers, true or false, nothing nested ({name})")
    if len(value) > MAX_TEXT_LENGTH:
        raise Wrong(f"must have {MAX_TEXT_LENGTH:,} characters at most ({name})")
    check_storable(value)
    return value


@lru_cache(maxsize=65_536)
def read_attribute_cell(cell: str) -> Scalar | None:
    """A cell of a table as an attribute: plain numbers are numbers, true and false are flags, the rest is text.

    A number with leading zeros, a plus, an exponent or more than 15 digits stays text: it is a code, not a quantity.
    Empty is None, which takes the attribute away.
    """
    text = cell.strip()
    if not text:
        return None
    if _NUMBER.fullmatch(text):
        number = float(text) if "." in text else int(text)
        if abs(number) <= MAX_NUMBER:
            return number
    flag = _FLAGS.get(text.lower())
    if flag is not None:
        return flag
    checked = _attribute("", text)
    assert isinstance(checked, str)
    return checked


def read_flag(value: object) -> bool | None:
    """true or false, in any case; None for an empty text."""
    if isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else value
    if text == "":
        return None
    if not isinstance(text, str) or text not in _FLAGS:
        raise Wrong("must be true or false")
    return _FLAGS[text]


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
