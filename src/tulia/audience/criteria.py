"""Targeting criteria: from JSON to a typed tree, or to a list of everything that is wrong with it.

A condition that isn't understood is refused, never skipped: a misspelt key must not widen the audience. For the same
reason an empty list, an empty group and null are errors; only a plain ``{}`` at the top means every customer.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from tulia.audience import criteria_tree as tree
from tulia.audience.countries import COUNTRY_CODES
from tulia.audience.criteria_tree import (
    AttributeCondition,
    ConversationActivity,
    Criteria,
    Operator,
    PurchaseHistory,
    Scalar,
    to_json,
)

__all__ = [
    "AttributeCondition",
    "ConversationActivity",
    "Criteria",
    "CriteriaError",
    "CriteriaInvalid",
    "Operator",
    "PurchaseHistory",
    "parse",
    "to_json",
]

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COUNTRY_SLIPS = {"UK": "GB", "EL": "GR"}
_MAX_ERRORS = 1_000
_ORDERED = (Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)


@dataclass(frozen=True, slots=True)
class CriteriaError:
    """One thing that is wrong. `path` is like ``any_of[1].tags[0]``, empty for the whole; `message` is plain words."""

    path: str
    message: str


class CriteriaInvalid(ValueError):
    """The criteria can't be used; `errors` has everything that is wrong with them, in the order it stands there."""

    def __init__(self, errors: tuple[CriteriaError, ...]) -> None:
        super().__init__("; ".join(f"{error.path or 'criteria'}: {error.message}" for error in errors))
        self.errors = errors


def parse(value: object) -> Criteria:
    """The typed tree of criteria given as decoded JSON (dicts, lists, strings, numbers, booleans, None).

    Whole numbers may be written ``30`` or ``30.0``; ``true`` is never a number. ``{}`` gives a tree whose
    `Criteria.is_everyone` is True. Raises `CriteriaInvalid` with every error (the first thousand), not just the first.
    """
    reader = _Reader()
    criteria = reader.criteria(value, "", depth=1)
    if reader.errors:
        raise CriteriaInvalid(tuple(reader.errors))
    return criteria


class _Reader:
    """Walks the JSON once, noting every error; what it returns is only worth using if there was none."""

    def __init__(self) -> None:
        self.errors: list[CriteriaError] = []
        self._node_count = 0

    def criteria(self, value: object, path: str, *, depth: int) -> Criteria:
        self._node_count += 1
        if self._node_count > tree.MAX_NODES:
            if self._node_count == tree.MAX_NODES + 1:
                self._wrong("", f"more than {tree.MAX_NODES} groups; use fewer")
            return Criteria()
        if depth > tree.MAX_DEPTH:
            self._wrong(path, f"groups are nested more than {tree.MAX_DEPTH} deep")
            return Criteria()
        given = self._object(value, path, known=_KEYS, may_be_empty=depth == 1)

        def strings(key: str, read: Callable[[object, str], str]) -> tuple[str, ...]:
            return self._values(given[key], _join(path, key), read) if key in given else ()

        def groups(key: str) -> tuple[Criteria, ...]:
            if key not in given:
                return ()
            items = self._list(given[key], _join(path, key))
            return tuple(
                self.criteria(item, f"{_join(path, key)}[{i}]", depth=depth + 1) for i, item in enumerate(items)
            )

        return Criteria(
            tags=strings("tags", self._tag),
            tags_all=strings("tags_all", self._tag),
            tags_none=strings("tags_none", self._tag),
            purchase_history=(
                self._purchases(given["purchase_history"], _join(path, "purchase_history"))
                if "purchase_history" in given
                else None
            ),
            conversation_activity=(
                self._activity(given["conversation_activity"], _join(path, "conversation_activity"))
                if "conversation_activity" in given
                else None
            ),
            attributes=self._attributes(given["attributes"], _join(path, "attributes"))
            if "attributes" in given
            else (),
            countries=strings("countries", self._country),
            languages=strings("languages", self._language),
            exclude_campaigns=tuple(UUID(text) for text in strings("exclude_campaigns", self._uuid) if text),
            any_of=groups("any_of"),
            all_of=groups("all_of"),
            not_=self.criteria(given["not"], _join(path, "not"), depth=depth + 1) if "not" in given else None,
        )

    def _purchases(self, value: object, path: str) -> PurchaseHistory:
        given = self._object(value, path, known=_PURCHASE_KEYS)

        def whole(key: str, least: int, most: int) -> int | None:
            return self._whole(given[key], _join(path, key), least=least, most=most) if key in given else None

        spent = given.get("min_total_spent")
        if "min_total_spent" in given:
            spent = self._number(spent, _join(path, "min_total_spent"), least=0, most=tree.MAX_SPENT)
        history = PurchaseHistory(
            ordered_in_last_days=whole("ordered_in_last_days", 1, tree.MAX_DAYS),
            not_ordered_in_last_days=whole("not_ordered_in_last_days", 1, tree.MAX_DAYS),
            min_order_count=whole("min_order_count", 0, tree.MAX_COUNT),
            max_order_count=whole("max_order_count", 0, tree.MAX_COUNT),
            min_total_spent=None if spent is None else Decimal(str(spent)),
        )
        least, most = history.min_order_count, history.max_order_count
        if least is not None and most is not None and least > most:
            self._wrong(path, f"min_order_count {least} is more than max_order_count {most}: nobody can match")
        within, without = history.ordered_in_last_days, history.not_ordered_in_last_days
        if within is not None and without is not None and within <= without:
            self._wrong(path, f"an order in the last {within} days and none in the last {without}: nobody can match")
        return history

    def _activity(self, value: object, path: str) -> ConversationActivity:
        given = self._object(value, path, known=_ACTIVITY_KEYS)
        days, status = _join(path, "active_in_last_days"), _join(path, "status")
        return ConversationActivity(
            active_in_last_days=(
                self._whole(given["active_in_last_days"], days, least=1, most=tree.MAX_DAYS)
                if "active_in_last_days" in given
                else None
            ),
            statuses=self._values(given["status"], status, self._status) if "status" in given else (),
        )

    def _attributes(self, value: object, path: str) -> tuple[AttributeCondition, ...]:
        conditions: list[AttributeCondition] = []
        for name, wanted in self._object(value, path, known=None).items():
            at = _join(path, name)
            if not self._text(name, at, most=tree.MAX_NAME_LENGTH, trimmed=True):
                continue
            if isinstance(wanted, dict):
                for key, operand in self._object(wanted, at, known=_OPERATORS).items():
                    operator = Operator(key)
                    read = self._operand(operand, _join(at, key), operator=operator)
                    conditions.append(AttributeCondition(name, operator, read))
            elif isinstance(wanted, list):
                self._wrong(at, 'a list stands for nothing here; write {"in": […]} for any of these values')
            elif wanted is None:
                self._wrong(at, 'null stands for nothing here; write {"exists": false} for people without it')
            else:
                conditions.append(AttributeCondition(name, Operator.EQ, self._scalar(wanted, at)))
        return tuple(sorted(conditions, key=lambda condition: (condition.name, condition.operator.value)))

    def _operand(self, value: object, path: str, *, operator: Operator) -> Scalar | tuple[Scalar, ...]:
        if operator is Operator.IN:
            scalars = [self._scalar(item, f"{path}[{i}]") for i, item in enumerate(self._list(value, path))]
            # Keyed by type too: Python holds True equal to 1.
            return tuple(dict(sorted((_kind_and_value(scalar), scalar) for scalar in scalars)).values())
        if operator is Operator.EXISTS:
            if not isinstance(value, bool):
                self._wrong(path, "must be true or false")
            return value is True
        if operator in _ORDERED and isinstance(value, bool):
            self._wrong(path, "true and false have no order; compare with a number or a text")
            return False
        if operator is Operator.CONTAINS and value == "":
            self._wrong(path, "an empty text is contained in everything; leave it out")
            return ""
        return self._scalar(value, path)

    def _object(
        self, value: object, path: str, *, known: Collection[str] | None, may_be_empty: bool = False
    ) -> dict[str, object]:
        if not isinstance(value, dict):
            self._wrong(path, f"must be an object, not {_type_name(value)}")
            return {}
        if not value and not may_be_empty:
            self._wrong(path, "is empty; leave it out, or say what you want")
        understood: dict[str, object] = {}
        for key, item in value.items():
            if not isinstance(key, str) or (known is not None and key not in known):
                self._wrong(_join(path, str(key)), "unknown key" + _did_you_mean(str(key), known or ()))
            else:
                understood[key] = item
        return understood

    def _list(self, value: object, path: str) -> Sequence[object]:
        if not isinstance(value, list):
            self._wrong(path, f"must be a list, not {_type_name(value)}")
            return ()
        if not value:
            self._wrong(path, "is an empty list; leave the key out if it does not matter")
        if len(value) > tree.MAX_VALUES:
            self._wrong(path, f"has {len(value):,} values; at most {tree.MAX_VALUES:,} are allowed")
            return ()
        return value

    def _values(self, value: object, path: str, read: Callable[[object, str], str]) -> tuple[str, ...]:
        return tuple(sorted({read(item, f"{path}[{i}]") for i, item in enumerate(self._list(value, path))}))

    def _scalar(self, value: object, path: str) -> Scalar:
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value, path, most=tree.MAX_TEXT_LENGTH, trimmed=False)
        if isinstance(value, int | float):
            number = self._number(value, path, least=-tree.MAX_NUMBER, most=tree.MAX_NUMBER)
            return 0 if number is None else number
        self._wrong(path, f"must be a text, a number, true or false, not {_type_name(value)}")
        return ""

    def _number(self, value: object, path: str, *, least: int, most: int) -> int | float | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._wrong(path, f"must be a number, not {_type_name(value)}")
        elif isinstance(value, float) and not math.isfinite(value):
            self._wrong(path, "must be a finite number")
        elif value < least:
            self._wrong(path, "must not be negative" if least == 0 else f"must be {least:,} or more")
        elif value > most:
            self._wrong(path, f"must be {most:,} or less")
        else:
            return int(value) if value == int(value) else value
        return None

    def _whole(self, value: object, path: str, *, least: int, most: int) -> int | None:
        if isinstance(value, float) and math.isfinite(value) and value != int(value):
            self._wrong(path, "must be a whole number")
            return None
        number = self._number(value, path, least=least, most=most)
        return None if number is None else int(number)

    def _text(self, value: object, path: str, *, most: int, trimmed: bool) -> str:
        if not isinstance(value, str):
            self._wrong(path, f"must be a text, not {_type_name(value)}")
            return ""
        if _UNSTORABLE.search(value):
            self._wrong(path, "holds a character that can't be stored (NUL, or half of a surrogate pair)")
        elif len(value) > most:
            self._wrong(path, f"is longer than {most:,} characters")
        elif trimmed and not value.strip():
            self._wrong(path, "must not be blank")
        elif trimmed and value != value.strip():
            self._wrong(path, "begins or ends with a space")
        else:
            return value
        return ""

    def _tag(self, value: object, path: str) -> str:
        return self._text(value, path, most=tree.MAX_TAG_LENGTH, trimmed=True)

    def _status(self, value: object, path: str) -> str:
        return self._word(value, path, known=tree.CONVERSATION_STATUSES, what="conversation status")

    def _country(self, value: object, path: str) -> str:
        return self._word(value, path, known=COUNTRY_CODES, what="ISO 3166 two-letter country code")

    def _word(self, value: object, path: str, *, known: Collection[str], what: str) -> str:
        if isinstance(value, str) and value in known:
            return value
        shown = f"{value[:40]!r}" if isinstance(value, str) else _type_name(value)
        hint = _did_you_mean(value, known) if isinstance(value, str) else ""
        self._wrong(path, f"{shown} is no {what}{hint}")
        return ""

    def _language(self, value: object, path: str) -> str:
        if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
            shown = f"{value[:40]!r}" if isinstance(value, str) else _type_name(value)
            self._wrong(path, f"{shown} is no language code like 'sw' or 'pt-BR'")
            return ""
        first, *rest = value.replace("_", "-").split("-")
        return "-".join([first.lower(), *(_subtag(part) for part in rest)])

    def _uuid(self, value: object, path: str) -> str:
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            self._wrong(path, "must be a campaign's id, like '7d9c0c1e-3f0b-4a57-9d3c-0a8a4f5b6c7d'")
            return ""
        return value.lower()

    def _wrong(self, path: str, message: str) -> None:
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append(CriteriaError(path, message))


_KEYS = (
    *("tags", "tags_all", "tags_none", "purchase_history", "conversation_activity", "attributes"),
    *("countries", "languages", "exclude_campaigns", "any_of", "all_of", "not"),
)
_PURCHASE_KEYS = (
    *("ordered_in_last_days", "not_ordered_in_last_days"),
    *("min_order_count", "max_order_count", "min_total_spent"),
)
_ACTIVITY_KEYS = ("active_in_last_days", "status")
_OPERATORS = tuple(operator.value for operator in Operator)


def _join(path: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{key[:40]!r}]"
    return f"{path}.{key[:100]}" if path else key[:100]


def _did_you_mean(word: str, known: Collection[str]) -> str:
    slip = _COUNTRY_SLIPS.get(word.upper())
    if slip in known:
        return f"; did you mean {slip!r}?"
    by_folded = {candidate.casefold(): candidate for candidate in sorted(known)}
    nearest = difflib.get_close_matches(word[:100].strip().casefold(), by_folded, n=1)
    return f"; did you mean {by_folded[nearest[0]]!r}?" if nearest else ""


def _subtag(part: str) -> str:
    if len(part) == 4 and part.isalpha():
        return part.title()
    return part.upper() if len(part) == 2 and part.isalpha() else part.lower()


def _kind_and_value(scalar: Scalar) -> tuple[str, Scalar]:
    return (
        "number" if isinstance(scalar, int | float) and not isinstance(scalar, bool) else type(scalar).__name__,
        scalar,
    )


def _type_name(value: object) -> str:
    if value is None:
        return "null"
    names = {
        bool: "true or false",
        dict: "an object",
        list: "a list",
        str: "a text",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), type(value).__name__)
