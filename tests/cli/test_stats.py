import io
import json
import subprocess
import sys
from typing import Any

import pytest

from tulia.cli.stats import answer_line, answer_lines

TEA = {"kind": "two_proportion", "inputs": {"x_a": 1, "n_a": 4, "x_b": 3, "n_b": 4}}
COMMAND = [sys.executable, "-m", "tulia.cli", "stats"]


def asked(line: str | bytes) -> Any:
    return answer_line(line.encode() if isinstance(line, str) else line)


def test_each_line_has_its_answer_in_its_place_and_a_wrong_one_stops_nothing() -> None:
    lines = [
        json.dumps(TEA),
        "{",
        json.dumps(TEA | {"id": 7}),
        "",
        json.dumps({"kind": "holm", "inputs": {"p": [0.01]}}),
    ]
    done = subprocess.run(COMMAND, input="\n".join(lines).encode(), capture_output=True, check=True, timeout=60)
    first, wrong, third, last = (json.loads(line) for line in done.stdout.splitlines())
    assert first["fisher_p_two_sided"] == pytest.approx(0.4857142857)
    assert wrong["error"]["code"] == "invalid_json"
    assert third == first | {"id": 7}
    assert last["adjusted"] == [0.01]


def test_an_answer_comes_before_the_next_question_is_asked_and_the_reader_may_leave() -> None:
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdin and running.stdout and running.stderr  # noqa: PT018
        for _ in range(2):
            running.stdin.write(json.dumps(TEA).encode() + b"\n")
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["status"] == "ok"
        running.stdout.close()
        running.stdin.write((json.dumps(TEA).encode() + b"\n") * 100)
        running.stdin.close()
        assert running.wait(timeout=30) == 1
        assert running.stderr.read() == b""


@pytest.mark.parametrize(
    ("line", "code", "field"),
    [
        (b"\xff\xfe", "invalid_json", None),
        ("[" * 100_000, "invalid_json", None),
        ('{"kind":"two_proportion","inputs":{"x_a":NaN}}', "invalid_json", None),
        ("[]", "invalid", None),
        ("{}", "missing", "kind"),
        ('{"kind":3}', "invalid", "kind"),
        ('{"kind":"magic","inputs":{}}', "unknown_kind", "kind"),
        ('{"kind":"holm"}', "missing", "inputs"),
        ('{"kind":"holm","inputs":[1]}', "invalid", "inputs"),
        ('{"kind":"holm","inputs":{"p":[0.5,2]}}', "invalid", "p[1]"),
        ('{"kind":"holm","inputs":{"p":0.5}}', "invalid", "p"),
        ('{"kind":"two_proportion","inputs":{"x_a":1,"n_a":2,"x_b":1}}', "missing", "n_b"),
        ('{"kind":"two_proportion","inputs":{"x_a":1,"n_a":2,"x_b":1,"n_b":null}}', "missing", "n_b"),
        ('{"kind":"two_proportion","inputs":{"x_a":3,"n_a":2,"x_b":1,"n_b":2}}', "invalid", "x_a"),
        ('{"kind":"two_proportion","inputs":{"x_a":true,"n_a":2,"x_b":1,"n_b":2}}', "invalid", "x_a"),
        ('{"kind":"two_proportion","inputs":{"x_a":"1","n_a":2,"x_b":1,"n_b":2}}', "invalid", "x_a"),
        ('{"kind":"two_proportion","inputs":{"x_a":0.5,"n_a":2,"x_b":1,"n_b":2}}', "invalid", "x_a"),
        ('{"kind":"two_proportion","inputs":{"x_a":-1,"n_a":2,"x_b":1,"n_b":2}}', "invalid", "x_a"),
        ('{"kind":"two_proportion","inputs":{"x_a":1,"n_a":1e300,"x_b":1,"n_b":2}}', "invalid", "n_a"),
        ('{"kind":"two_proportion","inputs":{"x_a":1,"n_a":2,"x_b":1,"n_b":2,"alpha":0}}', "invalid", "alpha"),
        ('{"kind":"k_proportions","inputs":{"x":[1,2],"n":[3]}}', "invalid", "n"),
        ('{"kind":"k_proportions","inputs":{"x":[1],"n":[3]}}', "invalid", "n"),
        ('{"kind":"k_proportions","inputs":{"x":[1,4],"n":[3,3]}}', "invalid", "x[1]"),
        ('{"kind":"srm","inputs":{"observed":[1,4],"weights":[1,0]}}', "invalid", "weights[1]"),
        ('{"kind":"srm","inputs":{"observed":[1,4],"weights":[1]}}', "invalid", "weights"),
        ('{"kind":"bayes_two","inputs":{"x_a":1,"n_a":2,"x_b":1,"n_b":2,"prior":[1]}}', "invalid", "prior"),
        ('{"kind":"mde","inputs":{"n_per_arm":100,"p1":1.5}}', "invalid", "p1"),
        ('{"kind":"sample_size_two_prop","inputs":{"p1":0.1,"p2":0.2,"power":1}}', "invalid", "power"),
        ('{"kind":"sample_size_two_prop","inputs":{"p1":0.1,"p2":0.2,"ratio":0}}', "invalid", "ratio"),
        ('{"kind":"sample_size_evan_miller","inputs":{"p1":0.1,"delta":0.95}}', "invalid", None),
        ('{"kind":"test_and_roll","inputs":{"N":100,"prior_mean":1,"prior_sd":0.1}}', "invalid", "prior_mean"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_line_is_named(line: str | bytes, code: str, field: str | None) -> None:
    found = asked(line)
    assert found["status"] == "invalid_input"
    assert (found["error"]["code"], found["error"]["field"]) == (code, field)
    assert found["error"]["message"].endswith(".")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('{"kind":"two_proportion","inputs":{"x_a":0,"n_a":0,"x_b":0,"n_b":0}}', "p_two_sided"),
        ('{"kind":"two_proportion","inputs":{"x_a":0,"n_a":5,"x_b":0,"n_b":5}}', "koopman_score_lift_ci95"),
        ('{"kind":"two_proportion","inputs":{"x_a":0,"n_a":5,"x_b":0,"n_b":5}}', "z"),
        ('{"kind":"k_proportions","inputs":{"x":[0,0],"n":[9,9]}}', "chi2"),
        ('{"kind":"k_proportions","inputs":{"x":[0,0,0],"n":[9,9,0]}}', "p"),
        ('{"kind":"srm","inputs":{"observed":[0,0]}}', "chi2"),
        ('{"kind":"sequential","inputs":{"x_a":0,"n_a":5,"x_b":0,"n_b":5,"T_star":9}}', "odds_clock_ci"),
        ('{"kind":"sequential","inputs":{"x_a":5,"n_a":5,"x_b":5,"n_b":5,"T_star":9}}', "odds_clock_T"),
        ('{"kind":"sequential","inputs":{"x_a":0,"n_a":0,"x_b":5,"n_b":5,"T_star":9}}', "always_valid_p"),
        ('{"kind":"holdout_increment","inputs":{"x_holdout":0,"n_holdout":0,"x_treated":1,"n_treated":2}}',
         "incremental_rate"),
        ('{"kind":"holdout_increment","inputs":{"x_holdout":1,"n_holdout":9,"x_treated":0,"n_treated":9}}',
         "attributed_share_truly_incremental"),
        ('{"kind":"sample_size_two_prop","inputs":{"p1":0.5,"p2":0.5}}', "n_per_arm_exact"),
        ('{"kind":"mde","inputs":{"n_per_arm":2,"p1":0.5}}', "abs_mde"),
        ('{"kind":"mde","inputs":{"n_per_arm":2000,"p1":0}}', "rel_mde"),
        ('{"kind":"event_stream_evalue","inputs":{"events_a":0,"n_a":0,"events_b":0,"n_b":5}}', "log_evalue"),
    ],
)  # fmt: skip
def test_what_is_undefined_is_null(line: str, key: str) -> None:
    found = asked(line)
    assert "error" not in found
    assert found[key] is None


def test_a_line_of_any_length_is_one_answer() -> None:
    answers = io.BytesIO()
    answer_lines(io.BytesIO(b"x" * 9_000_000 + b"\n" + json.dumps(TEA).encode()), answers)
    first, second = (json.loads(line) for line in answers.getvalue().splitlines())
    assert first["error"]["code"] == "too_long"
    assert second["status"] == "ok"


def test_it_starts_without_django_and_heavy_libraries() -> None:
    script = (
        "import sys; from tulia.cli.command import main; main(['stats']);"
        "print([m for m in ('django', 'numpy', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], input=b"", capture_output=True, check=True, timeout=60)
    assert done.stdout.strip() == b"[]"
