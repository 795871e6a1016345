from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulia.channels.placeholders import PlaceholdersInvalid, names_in


@pytest.mark.parametrize(
    ("body", "variables"),
    [
        ("No placeholder at all", []),
        ("{{2}} before {{1}} and {{2}} again", ["1", "2"]),
        ("Hi {{ first_name }}, {{code_2}} for {{first_name}}", ["first_name", "code_2"]),
        (" ".join(f"{{{{{i}}}}}" for i in range(11, 0, -1)), [str(i) for i in range(1, 12)]),
    ],
)
def test_placeholders_are_found_in_their_order(body: str, variables: list[str]) -> None:
    assert names_in(body) == variables


@pytest.mark.parametrize(
    "body", ["{{1}} {{name}}", "{{2}}", "{{1}} {{3}}", "{{}}", "{{Name}}", "{{a b}}", "{{1", "1}}", "{{0}}", "{{01}}"]
)
def test_placeholders_that_make_no_sense_together_are_refused(body: str) -> None:
    with pytest.raises(PlaceholdersInvalid):
        names_in(body)


@given(st.text(alphabet="{}1a _\n"))
def test_any_body_gives_variables_or_a_refusal(body: str) -> None:
    try:
        variables = names_in(body)
    except PlaceholdersInvalid:
        return
    assert len(set(variables)) == len(variables)
