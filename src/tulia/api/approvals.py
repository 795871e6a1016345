"""/v1/campaigns/{id}/approval and what leads to it: a second person's yes before a campaign goes out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api import fields
from tulia.api.resource import Resource
from tulia.governance_service import APPROVES, SEES, GovernanceService

if TYPE_CHECKING:
    from tulia.campaigns.approval import Approval

_VERSION = "What you looked at, from GET …/approval: refused when the campaign was changed since."


class ApprovalRequest(fields.Shape):
    scheduled_at = fields.Instant(required=False, allow_null=True, help_text="When it is to start; left out: any time.")
    note = fields.Text(required=False, default="", allow_blank=True, max_length=1_000)


class Approving(fields.Shape):
    note = fields.Text(required=False, default="", allow_blank=True, max_length=1_000)
    version = fields.Text(required=False, default="", max_length=64, help_text=_VERSION)


class Rejecting(fields.Shape):
    note = fields.Text(max_length=1_000, help_text="Why.")
    version = fields.Text(required=False, default="", max_length=64, help_text=_VERSION)


class ApprovalView(serializers.Serializer[Any]):
    state = serializers.ChoiceField(["not_requested", "requested", "approved", "rejected"])
    by = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField()
    scheduled_at = serializers.DateTimeField(allow_null=True, help_text="Approved for this time only; null: any time.")
    version = serializers.CharField(help_text="Names the content as it is now; another after every change.")


def shown(found: Approval) -> dict[str, Any]:
    return asdict(found) | {"by": found.by or None}


class CampaignApproval(Resource):
    scopes = {"GET": SEES}

    @extend_schema(summary="Show how a campaign's approval stands", operation_id="get_approval", responses=ApprovalView)
    def get(self, request: Request, campaign_id: UUID) -> Response:
        self.no_query()
        return Response(shown(GovernanceService(self.caller).approval(campaign_id)))


class CampaignRequestApproval(Resource):
    scopes = {"POST": APPROVES}

    @extend_schema(
        summary="Ask for a second person's approval of a campaign as it is",
        operation_id="request_approval",
        request=ApprovalRequest,
        responses=ApprovalView,
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        asked = self.body(ApprovalRequest)
        return Response(shown(GovernanceService(self.caller).request_approval(campaign_id, **asked)))


class CampaignApprove(Resource):
    scopes = {"POST": APPROVES}

    @extend_schema(
        summary="Approve a campaign that somebody else made",
        operation_id="approve_campaign",
        request=Approving,
        responses=ApprovalView,
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        return Response(shown(GovernanceService(self.caller).approve(campaign_id, **self.body(Approving))))


class CampaignReject(Resource):
    scopes = {"POST": APPROVES}

    @extend_schema(
        summary="Refuse to approve a campaign, or take an approval back",
        operation_id="reject_campaign",
        request=Rejecting,
        responses=ApprovalView,
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        return Response(shown(GovernanceService(self.caller).reject(campaign_id, **self.body(Rejecting))))
