"""Reading the inputs of a question to the calculator: each number checked, each refusal naming its field."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tulia.experiments.counts import CountsInvalid, whole

MOST_ARMS = 100


class QuestionInvalid(ValueError):
    """A question that can't be answered as it is put."""

    def __init__(self, code: str, field: str | None, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class Asked:
    """The inputs of one question. A name may have others that mean the same; null counts as not given."""

    def __init__(self, inputs: Mapping[str, object]) -> None:
        self._inputs = inputs

    def has(self, *names: str) -> bool:
        return any(self._inputs.get(name) is not None for name in names)

    def count(self, *names: str) -> int:
        name, value = self._required(names)
        return _as_count(value, name)

    def number(
        self, *names: str, default: float | None = None, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """A finite number strictly between `low` and `high`."""
        if default is not None and not self.has(*names):
            return default
        name, value = self._required(names)
        return _as_number(value, name, low, high)

    def rate(self, *names: str) -> float:
        """A number from 0 to 1, both included."""
        name, value = self._required(names)
        found = _as_number(value, name, -math.inf, math.inf)
        if not 0 <= found <= 1:
            raise QuestionInvalid("invalid", name, f"{name} must be a rate from 0 to 1.")
        return found

    def alpha(self) -> float:
        return self.number("alpha", default=0.05, low=0, high=1)

    def power(self) -> float:
        return self.number("power", default=0.8, low=0, high=1)

    def arm(self, name: str) -> tuple[int, int]:
        """Successes and people of an arm, from x_`name` and n_`name`."""
        successes, total = self.count(f"x_{name}"), self.count(f"n_{name}")
        if successes > total:
            message = f"x_{name} ({successes}) must not exceed n_{name} ({total})."
            raise QuestionInvalid("invalid", f"x_{name}", message)
        return successes, total

    def counts(self, *names: str) -> list[int]:
        name, values = self._list(names, most=MOST_ARMS)
        return [_as_count(value, f"{name}[{place}]") for place, value in enumerate(values)]

    def arms(self) -> tuple[list[int], list[int]]:
        """Successes and people of at least two arms, from x and n."""
        successes, totals = self.counts("x"), self.counts("n")
        if len(successes) != len(totals):
            raise QuestionInvalid("invalid", "n", "x and n must have the same length.")
        if len(totals) < 2:
            raise QuestionInvalid("invalid", "n", "There must be at least two arms.")
        for place, (x, n) in enumerate(zip(successes, totals, strict=True)):
            if x > n:
                raise QuestionInvalid("invalid", f"x[{place}]", f"x[{place}] ({x}) must not exceed n[{place}] ({n}).")
        return successes, totals

    def numbers(self, *names: str, low: float, high: float = math.inf, most: int = MOST_ARMS) -> list[float]:
        """A list of finite numbers strictly between `low` and `high`."""
        name, values = self._list(names, most=most)
        return [_as_number(value, f"{name}[{place}]", low, high) for place, value in enumerate(values)]

    def p_values(self, *names: str) -> list[float | None]:
        """A list of numbers from 0 to 1, or null."""
        name, values = self._list(names, most=100_000)
        found: list[float | None] = []
        for place, value in enumerate(values):
            number = None if value is None else _as_number(value, f"{name}[{place}]", -math.inf, math.inf)
            if number is not None and not 0 <= number <= 1:
                raise QuestionInvalid("invalid", f"{name}[{place}]", f"{name}[{place}] must lie between 0 and 1.")
            found.append(number)
        return found

    def prior(self) -> tuple[float, float]:
        if not self.has("prior"):
            return 1.0, 1.0
        values = self.numbers("prior", low=0, high=1e15)
        if len(values) != 2 or min(values) < 1e-6:
            raise QuestionInvalid("invalid", "prior", "prior must be two numbers, from 0.000001 on.")
        return values[0], values[1]

    def index(self, name: str, *, below: int) -> int | None:
        """A place in a list, or None when it isn't given."""
        if not self.has(name):
            return None
        place = _as_count(self._inputs[name], name)
        if place >= below:
            raise QuestionInvalid("invalid", name, f"{name} must be one of the arms, 0 to {below - 1}.")
        return place

    def _required(self, names: tuple[str, ...]) -> tuple[str, object]:
        for name in names:
            value = self._inputs.get(name)
            if value is not None:
                return name, value
        raise QuestionInvalid("missing", names[0], f"{names[0]} is missing.")

    def _list(self, names: tuple[str, ...], *, most: int) -> tuple[str, list[object]]:
        name, values = self._required(names)
        if not isinstance(values, list):
            raise QuestionInvalid("invalid", name, f"{name} must be a list of numbers.")
        if len(values) > most:
            raise QuestionInvalid("invalid", name, f"{name} may have {most:,} entries at most.")
        return name, values


def _as_count(value: object, name: str) -> int:
    try:
        return whole(value, field=name)
    except CountsInvalid as refused:
        raise QuestionInvalid("invalid", name, str(refused)) from None


def _as_number(value: object, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise QuestionInvalid("invalid", name, f"{name} must be a number.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise QuestionInvalid("invalid", name, f"{name} must be a finite number.")
    if not low < number < high:
        between = f"between {low:g} and {high:g}" if math.isfinite(high) else f"more than {low:g}"
        raise QuestionInvalid("invalid", name, f"{name} must be {between}.")
    return number
