"""What each class of failure means and what to do about it, in plain words (pure)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClassWords:
    """`meaning` says what went wrong, `advice` what a person can do about it."""

    meaning: str
    advice: str


_WORDS = {
    "recipient": ClassWords(
        "This person can't be reached, or doesn't want to be.",
        "Sending again won't help. Correct the number if it is wrong, else leave the person out.",
    ),
    "content": ClassWords(
        "The message itself was refused.",
        "Correct the text, the template or its values, then send to these people with a clone of the campaign.",
    ),
    "account": ClassWords(
        "The sender may not send.",
        "Put the sender or its account at the provider right, then resume or clone the campaign.",
    ),
    "transient": ClassWords(
        "The provider stumbled each time it was tried.",
        "Send to these people again later with a clone of the campaign.",
    ),
    "throttled": ClassWords(
        "The provider took no more messages, however slowly they were sent.",
        "Lower the sender's rate, or wait for its limit to be raised, then use a clone of the campaign.",
    ),
}
_UNKNOWN = ClassWords("The message failed, and nothing says why.", "Look at the provider's own pages, then decide.")


def of_class(failure_class: str) -> ClassWords:
    """The words for a class of `channels.types.FailureKind`, or for none."""
    return _WORDS.get(failure_class, _UNKNOWN)
