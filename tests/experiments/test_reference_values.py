"""The published and high-precision values in `reference_values.json`, each within its tolerance."""

import json
from pathlib import Path
from typing import Any

import pytest

from tulia.experiments.answering import answer
from tulia.experiments.asked import QuestionInvalid

CASES = json.loads((Path(__file__).parent / "reference_values.json").read_text())["cases"]


def answered(case: dict[str, Any]) -> dict[str, Any]:
    try:
        return answer(case["kind"], case["inputs"])
    except QuestionInvalid:
        return {"status": "invalid_input"}


def assert_near(found: Any, expected: Any, *, key: str, tolerance: dict[str, Any]) -> None:
    if isinstance(expected, list):
        assert len(found) == len(expected), key
        if "score" in key and None not in expected:
            allowed = tolerance["score_ci_relative_to_width"] * (expected[1] - expected[0])
            assert found == pytest.approx(expected, rel=0, abs=allowed + 1e-15), key
            return
        for one, other in zip(found, expected, strict=True):
            assert_near(one, other, key=key, tolerance=tolerance)
    elif isinstance(expected, float):
        allowed = tolerance.get("log_evalue_abs", 0) if key == "log_evalue_sequential" else tolerance.get("abs", 0)
        assert found == pytest.approx(expected, rel=tolerance.get("rel", 0), abs=allowed), key
    else:
        assert found == expected, key
        assert type(found) is type(expected), key


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_reference_value_comes_out_within_its_tolerance(case: dict[str, Any]) -> None:
    found = answered(case)
    for key, expected in case["expected"].items():
        assert_near(found[key], expected, key=key, tolerance=case["tolerance"])


@pytest.mark.parametrize("case", [c for c in CASES if c["kind"] == "two_proportion" and "published" in c],
                         ids=lambda case: case["id"])  # fmt: skip
def test_a_published_value_comes_out_to_the_digits_that_were_printed(case: dict[str, Any]) -> None:
    found, printed = answered(case), dict(case["published"])
    allowed = printed.pop("tolerance_abs")
    for key, value in printed.items():
        assert found[key] == pytest.approx(value, rel=0, abs=allowed), key


def test_planning_agrees_with_r_cohen_and_evan_millers_page() -> None:
    # R: power.prop.test(n = 50, p1 = .50, p2 = .75) gives power = 0.740
    assert answer("power_two_prop", {"n_per_arm": 50, "p1": 0.5, "p2": 0.75})["power"] == pytest.approx(0.740, abs=5e-4)
    # The page's own example: 20 %, 5 points
    page = answer("sample_size_evan_miller", {"p1": 0.2, "delta": 0.05})
    assert (page["rounded"], page["n_per_arm_exact"]) == (1030, pytest.approx(1030.2192831, rel=1e-9))
    # Cohen (1988), table 6.2.2: 65 % against 50 %
    h = answer("sample_size_cohen_h", {"p1": 0.5, "p2": 0.65})
    assert h["h"] == pytest.approx(0.3047, abs=5e-5)
    assert h["n_per_arm_exact"] == pytest.approx(2 * (1.959963984540054 + 0.8416212335729143) ** 2 / 0.30469265**2)
