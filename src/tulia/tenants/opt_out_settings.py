"""The settings of opting out and in: words for a whole tenant or for each language, and what is answered (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MOST_WORDS = 50
LONGEST_WORD = 60
LONGEST_REPLY = 1_000
MOST_LANGUAGES = 30
STOP_REPLY = "You have been unsubscribed from promotional and reminder messages"
START_REPLY = "You have been subscribed again to promotional and reminder messages"
_LANGUAGE = re.compile(r"[a-z]{2,3}")


class OptOutInvalid(ValueError):
    """A value that won't do, in words that fit behind the field's name."""


def read_words(value: Any) -> list[str] | dict[str, list[str]]:
    """A list of words, or an object with a list for each language (`{"sw": ["acha"]}`), as it was given but tidied."""
    if not isinstance(value, Mapping):
        return _list(value)
    if len(value) > MOST_LANGUAGES:
        raise OptOutInvalid(f"must be for at most {MOST_LANGUAGES} languages")
    for language in value:
        if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
            raise OptOutInvalid("must have language codes as names, like en or sw")
    return {language: _list(words) for language, words in value.items()}


def read_reply(value: Any) -> str | None:
    """The text of an answer, or None for no answer."""
    if value is None:
        return None
    if not isinstance(value, str) or "\x00" in value or not 0 < len(value.strip()) <= LONGEST_REPLY:
        raise OptOutInvalid(f"must be a text of 1 to {LONGEST_REPLY} characters, or null for no answer")
    return value.strip()


def _list(value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) and "\x00" not in word for word in value):
        raise OptOutInvalid("must be a list of words, or an object with a list for each language")
    words = list({" ".join(word.split()).casefold(): " ".join(word.split()) for word in value}.values())
    if len(words) > MOST_WORDS or any(not 0 < len(word) <= LONGEST_WORD for word in words):
        raise OptOutInvalid(f"must be at most {MOST_WORDS} words of 1 to {LONGEST_WORD} characters")
    return words
