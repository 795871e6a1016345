"""The statistics of an experiment, as the report shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tulia.api.analytics_shapes import interval


class VerdictView(serializers.Serializer[Any]):
    """What may be said; `reason` for what can't."""

    kind = serializers.ChoiceField(["winner", "leading", "none", "blocked", "inconclusive"])
    variant = serializers.IntegerField(allow_null=True)
    beaten = serializers.ListField(child=serializers.IntegerField())
    tied = serializers.ListField(child=serializers.IntegerField())
    code = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class ArmView(serializers.Serializer[Any]):
    """One variant: at the end those whose window is closed, before that everybody assigned."""

    name = serializers.CharField(allow_blank=True)
    assigned = serializers.IntegerField()
    people = serializers.IntegerField()
    successes = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    interval = interval(allow_null=True)


class AlwaysValidView(serializers.Serializer[Any]):
    """What holds at any look, however often somebody looks."""

    p_value = serializers.FloatField()
    adjusted_p_value = serializers.FloatField()
    interval = interval()
    level = serializers.FloatField()


class PairView(serializers.Serializer[Any]):
    """Two variants: the second relative to the first."""

    first = serializers.IntegerField()
    second = serializers.IntegerField()
    z_score = serializers.FloatField(allow_null=True)
    p_value = serializers.FloatField()
    adjusted_p_value = serializers.FloatField(help_text="Corrected for the number of comparisons (Holm).")
    is_exact = serializers.BooleanField(help_text="Fisher's exact test decides, because there are few.")
    is_significant = serializers.BooleanField()
    difference_points = serializers.FloatField(allow_null=True)
    interval = interval(allow_null=True, help_text="Mee; of the difference.")
    lift_percentage = serializers.FloatField(allow_null=True)
    lift_interval = serializers.ListField(
        child=serializers.FloatField(allow_null=True),
        min_length=2,
        max_length=2,
        allow_null=True,
        help_text="Koopman; an upper limit of null is none.",
    )
    interval_level = serializers.FloatField()
    always_valid = AlwaysValidView(allow_null=True)


class OmnibusView(serializers.Serializer[Any]):
    """Whether all rates could be equal: for information, it decides nothing."""

    chi_square = serializers.FloatField()
    degrees = serializers.IntegerField()
    p_value = serializers.FloatField()


class SampleRatioView(serializers.Serializer[Any]):
    """Whether the groups have the sizes that were planned. If not, no verdict is given."""

    expected = serializers.ListField(child=serializers.FloatField())
    chi_square = serializers.FloatField()
    p_value = serializers.FloatField()
    always_valid_p_value = serializers.FloatField()
    is_exact = serializers.BooleanField()
    is_mismatch = serializers.BooleanField()


class GuardrailView(serializers.Serializer[Any]):
    """Harm by one variant beside the control, or beside the others."""

    name = serializers.CharField()
    variant = serializers.IntegerField()
    events = serializers.IntegerField()
    people = serializers.IntegerField()
    reference_events = serializers.IntegerField()
    reference_people = serializers.IntegerField()
    always_valid_p_value = serializers.FloatField()
    is_harmed = serializers.BooleanField()


class ChosenView(serializers.Serializer[Any]):
    """The automatic winner: selected, not proven. `rest` are the people who get it; they are part of no comparison."""

    test_percent = serializers.IntegerField()
    decide_at = serializers.DateTimeField(allow_null=True)
    if_undecided = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True)
    variant = serializers.IntegerField(allow_null=True)
    is_selected = serializers.BooleanField()
    reason = serializers.CharField(allow_blank=True)
    rest = serializers.IntegerField()


class AnalysisView(serializers.Serializer[Any]):
    """Everything beyond the counts of each variant."""

    assignment = serializers.JSONField(required=False, help_text='"random", or the attribute that named the variants.')
    outcome_window_minutes = serializers.IntegerField(required=False)
    plan = serializers.JSONField(required=False, allow_null=True, help_text="What the test was planned to see.")
    is_final = serializers.BooleanField(required=False, help_text="Every outcome window is closed.")
    share_matured = serializers.FloatField(required=False, allow_null=True)
    alpha = serializers.FloatField(required=False)
    verdict = VerdictView(required=False)
    arms = ArmView(many=True, required=False)
    comparisons = PairView(many=True, required=False)
    omnibus = OmnibusView(required=False, allow_null=True)
    sample_ratio = SampleRatioView(required=False, allow_null=True)
    guardrails = GuardrailView(many=True, required=False)
    probability_best = serializers.ListField(
        child=serializers.FloatField(), required=False, allow_null=True, help_text="Helps to choose, proves nothing."
    )
    expected_loss_points = serializers.ListField(child=serializers.FloatField(), required=False, allow_null=True)
    detectable_points = serializers.FloatField(required=False, allow_null=True)
    planned_detectable_points = serializers.FloatField(required=False, allow_null=True)
    winner = ChosenView(required=False, allow_null=True)
    findings = serializers.ListField(child=serializers.CharField(), required=False)
