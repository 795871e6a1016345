"""Opt-out and opt-in by word or by button: what a message asks for, if it asks for either.

Only a whole message counts, never a word inside one: "don't stop" asks for nothing. Commands are recognised here; that
people may ask in other words too is for the humans who read the conversation.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache


class Intent(enum.StrEnum):
    """What a person asked for: to get no more promotions, or to get them again."""

    STOP = "stop"
    START = "start"


Own = Sequence[str] | Mapping[str, Sequence[str]]
"""A tenant's own words: a list, or a list for each language."""

ALWAYS = "en"
"""The language whose words always count: people everywhere are told to write STOP."""

STOP_WORDS: Mapping[str, tuple[str, ...]] = {
    ALWAYS: (
        *("STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "REMOVE"),
        *("OPTOUT", "OPT OUT", "OPT-OUT"),
        *("STOP PROMOTIONS",),  # what WhatsApp's own opt-out button of a template says
    ),
    "sw": ("ACHA", "SIMAMISHA", "ONDOA"),
    "fr": ("ARRET", "ARRÊT", "ARRETER", "ARRÊTER", "DESABONNER", "DÉSABONNER"),
    "pt": ("PARAR", "SAIR", "CANCELAR"),
    "es": ("BAJA", "DARME DE BAJA", "PARAR", "CANCELAR"),
    "hi": ("बंद", "बंद करो", "बंद करें"),
    "ar": ("توقف", "إلغاء", "الغاء", "إلغاء الاشتراك", "الغاء الاشتراك"),
}
"""Words that stop promotions when they are the whole message, by language."""

START_WORDS: Mapping[str, tuple[str, ...]] = {ALWAYS: ("START", "UNSTOP", "SUBSCRIBE")}
"""Words that opt in again when they are the whole message.

Translations are left to the tenant (the Spanish *alta* is also "high"): a stop missed is asked again, consent made up
is a breach.
"""

DEFAULT_STOP_WORDS = frozenset(word for words in STOP_WORDS.values() for word in words)
DEFAULT_START_WORDS = frozenset(word for words in START_WORDS.values() for word in words)


def in_force(built_in: Mapping[str, Sequence[str]], own: Own) -> frozenset[str]:
    """The words that count for a tenant with these words of its own.

    A list is added to the built-in ones. A list for a language takes the place of the built-in ones of that language
    (an empty one switches them off), but those of `ALWAYS` stay, whatever is added to them. All languages count for
    everybody: people write in whichever they like.
    """
    if not isinstance(own, Mapping):
        return frozenset(word for words in built_in.values() for word in words) | frozenset(own)
    by_language = {**built_in, **own}
    return frozenset(built_in[ALWAYS]) | frozenset(word for words in by_language.values() for word in words)


# Variation selectors and the keycap frame turn a character into an emoji; they are no letters' marks.
_EMOJI_MARKS = frozenset("\ufe0e\ufe0f\u20e3")
_TATWEEL = "\u0640"  # draws an Arabic word out, and says nothing


def normalise_text(text: str) -> str:
    """The form in which words are compared.

    Compatibility forms unified (NFKC), case folded, invisible format characters removed, everything that is neither
    letter, digit nor a mark on one stripped from both ends, white space inside reduced to single spaces. Accents stay.
    Empty for a text without letters and digits.
    """
    # Joiners and direction marks (Cf) are invisible; keyboards and copying put them anywhere, also inside a letter.
    bare = "".join(c for c in text if unicodedata.category(c) != "Cf" and c not in _EMOJI_MARKS)
    visible = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", bare).casefold())
    if _TATWEEL in visible:
        visible = unicodedata.normalize("NFKC", visible.replace(_TATWEEL, ""))
    start = 0
    while start < len(visible) and not _is_letter_or_digit(visible[start]):
        start += 1
    end = len(visible)
    while end > start and not _is_letter_or_digit(visible[end - 1]):
        if _is_mark(visible[end - 1]):
            base = end - 1
            while _is_mark(visible[base]):
                base -= 1
            if _is_letter_or_digit(visible[base]):
                break  # a vowel sign of a Hindi word, for one, belongs to its letter
            end = base + 1
        end -= 1
    return " ".join(visible[start:end].split())


def read_intent(
    text: str,
    *,
    stop_words: frozenset[str] = DEFAULT_STOP_WORDS,
    start_words: frozenset[str] = DEFAULT_START_WORDS,
) -> Intent | None:
    """What the whole message asks for; None for everything else. A word in both lists stops."""
    said = normalise_text(text)
    if not said:
        return None
    if said in _normalised(stop_words):
        return Intent.STOP
    return Intent.START if said in _normalised(start_words) else None


def is_yes(text: str) -> bool:
    """Whether the whole message is YES: it opts in as the next message after a STOP, and answers anything otherwise."""
    return normalise_text(text) == "yes"


def read_payload_intent(payload: str | None) -> Intent | None:
    """What a tapped button asks for: ``STOP`` or ``START``, alone or followed by ``|`` and anything."""
    word = (payload or "").partition("|")[0]
    return {"STOP": Intent.STOP, "START": Intent.START}.get(word.strip().upper())


@lru_cache(maxsize=256)
def _normalised(words: frozenset[str]) -> frozenset[str]:
    # A list entry such as "!!!" normalises to nothing and must not match every emoji.
    return frozenset(filter(None, map(normalise_text, words)))


def _is_letter_or_digit(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN"


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"
