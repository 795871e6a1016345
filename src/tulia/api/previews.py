"""/v1/campaigns/…/preview: what a campaign would say to real people."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api.campaign_shapes import MessageCampaignCreateSerializer
from tulia.api.fields import Id, Shape, Text, Whole
from tulia.api.resource import Resource
from tulia.campaigns.preview import Preview, Sight
from tulia.preview_service import DEFAULT_COUNT, MAX_COUNT, PreviewService


class PreviewRequest(Shape):
    """For whom: these customers, else so many of the audience, those with the longest and the most broken messages."""

    customer_ids = serializers.ListField(child=Id(), required=False, max_length=MAX_COUNT)
    count = Whole(required=False, default=DEFAULT_COUNT, min_value=1, max_value=MAX_COUNT)


class DraftPreviewRequest(MessageCampaignCreateSerializer):
    """The fields of a campaign, and for whom."""

    name = Text(required=False, max_length=255)
    customer_ids = serializers.ListField(child=Id(), required=False, max_length=MAX_COUNT)
    count = Whole(required=False, default=DEFAULT_COUNT, min_value=1, max_value=MAX_COUNT)


class SightView(serializers.Serializer[Any]):
    """One message as one person would see it; empty when it can't be made."""

    customer_id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    variant = serializers.IntegerField()
    text = serializers.CharField(allow_blank=True)
    length = serializers.IntegerField()
    problems = serializers.ListField(child=serializers.CharField())


class ProblemView(serializers.Serializer[Any]):
    """What stands in the way; `people_count` is null when it concerns the campaign as a whole."""

    reason = serializers.CharField()
    variant = serializers.IntegerField(allow_null=True)
    people_count = serializers.IntegerField(allow_null=True)
    example_customer_ids = serializers.ListField(child=serializers.UUIDField())


class PreviewView(serializers.Serializer[Any]):
    """Samples, and what is wrong. `examined` people of `total` were tried with every variant."""

    samples = SightView(many=True)
    problems = ProblemView(many=True)
    longest = SightView(allow_null=True)
    total = serializers.IntegerField()
    examined = serializers.IntegerField()
    is_sample = serializers.BooleanField()
    failing_count = serializers.IntegerField()


def shown(made: Preview) -> dict[str, Any]:
    return {
        "samples": [_sight(one) for one in made.samples],
        "problems": [
            {
                "reason": problem.reason,
                "variant": problem.variant,
                "people_count": problem.people_count,
                "example_customer_ids": list(problem.example_customer_ids),
            }
            for problem in made.problems
        ],
        "longest": _sight(made.longest) if made.longest else None,
        "total": made.total,
        "examined": made.examined,
        "is_sample": made.examined < made.total,
        "failing_count": made.failing,
    }


def _sight(one: Sight) -> dict[str, Any]:
    return {
        "customer_id": one.customer_id,
        "name": one.name,
        "variant": one.variant,
        "text": one.text,
        "length": one.length,
        "problems": list(one.problems),
    }


class CampaignPreview(Resource):
    """A stored campaign, tried on real people."""

    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="Preview a campaign", operation_id="preview_campaign", request=PreviewRequest, responses=PreviewView
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        return Response(shown(PreviewService(self.caller).preview_campaign(campaign_id, **self.body(PreviewRequest))))


class DraftPreview(Resource):
    """A campaign that isn't stored, tried on real people."""

    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="Preview a campaign that isn't made yet",
        operation_id="preview_draft",
        request=DraftPreviewRequest,
        responses=PreviewView,
    )
    def post(self, request: Request) -> Response:
        fields = dict(request.data)
        asked = PreviewRequest(data={name: fields.pop(name) for name in ("customer_ids", "count") if name in fields})
        asked.is_valid(raise_exception=True)
        return Response(shown(PreviewService(self.caller).preview_draft(fields, **asked.validated_data)))
