"""/v1/campaigns: making, starting and reading campaigns."""

from __future__ import annotations

import re
from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api import approvals
from tulia.api.campaign_shapes import (
    A_TEST,
    CampaignExecuteSerializer,
    CampaignQuery,
    CloneSerializer,
    ExecutionSerializer,
    MessageCampaignCreateSerializer,
    MessageCampaignSerializer,
    NoBody,
    ScheduleSerializer,
    TestSendSerializer,
    TriedView,
    execution_to_json,
    to_json,
)
from tulia.api.pagination import page_of
from tulia.api.report_shapes import CampaignReportSerializer
from tulia.api.resource import Resource
from tulia.campaign_service import LONGEST_WAIT_SECONDS, CampaignService
from tulia.core.errors import Invalid
from tulia.governance_service import GovernanceService

DEFAULT_WAIT_SECONDS = 5.0
_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,4}(?:\.\d{1,3})?)(?:$|[,;\s])")


class Campaigns(Resource):
    """The list, and making one."""

    scopes: ClassVar = {"GET": "analytics:view", "POST": "conversations:view"}

    @extend_schema(
        summary="List campaigns, the newest first",
        operation_id="list_campaigns",
        responses=page_of(MessageCampaignSerializer),
        parameters=[CampaignQuery],
    )
    def get(self, request: Request) -> Response:
        found = CampaignService(self.caller).list_campaigns(
            self.page_request(), status=self.query(CampaignQuery).get("status")
        )
        return self.page_answer(found, to_json)

    @extend_schema(
        summary="Make a campaign",
        operation_id="create_campaign",
        request=MessageCampaignCreateSerializer,
        responses={201: MessageCampaignSerializer},
        examples=[OpenApiExample("A test with a holdout, whose winner goes to the rest", A_TEST, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        return Response(to_json(CampaignService(self.caller).create_campaign(dict(request.data))), status=201)


class CampaignWithApproval(MessageCampaignSerializer):
    """A campaign, and how it stands with those who approve."""

    approval = approvals.ApprovalView()


class Campaign(Resource):
    """One campaign."""

    scopes: ClassVar = {"GET": "analytics:view", "PATCH": "conversations:view", "DELETE": "conversations:view"}

    @extend_schema(summary="Show a campaign", operation_id="get_campaign", responses=CampaignWithApproval)
    def get(self, request: Request, campaign_id: UUID) -> Response:
        self.no_query()
        campaign = CampaignService(self.caller).get_campaign(campaign_id)
        approval = GovernanceService(self.caller).approval(campaign_id)
        return Response(to_json(campaign) | {"approval": approvals.shown(approval)})

    @extend_schema(
        summary="Change a draft",
        operation_id="change_campaign",
        request=MessageCampaignCreateSerializer(partial=True),
        responses=MessageCampaignSerializer,
    )
    def patch(self, request: Request, campaign_id: UUID) -> Response:
        return Response(to_json(CampaignService(self.caller).update_campaign(campaign_id, dict(request.data))))

    @extend_schema(summary="Delete a draft", operation_id="delete_campaign", responses={204: None})
    def delete(self, request: Request, campaign_id: UUID) -> Response:
        CampaignService(self.caller).delete_campaign(campaign_id)
        return Response(status=204)


class CampaignExecute(Resource):
    """Starting a campaign: 200 with the final counts when it ends within the wait, else 202 with those so far."""

    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="Start a campaign",
        operation_id="execute_campaign",
        request=CampaignExecuteSerializer,
        responses={200: ExecutionSerializer, 202: ExecutionSerializer},
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        asked = self.body(CampaignExecuteSerializer)
        if not asked["confirm"]:
            raise Invalid('Sending can\'t be undone: repeat with "confirm": true.', details={"confirm": "must be true"})
        result = CampaignService(self.caller).execute_campaign(
            campaign_id, confirm_everyone=asked["confirm_everyone"], wait_seconds=_wait_of(request)
        )
        return Response(execution_to_json(result), status=200 if result.is_final else 202)


def _wait_of(request: Request) -> float:
    """Seconds of `Prefer: wait=N` (RFC 7240); five when it isn't said."""
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(float(found[1]), LONGEST_WAIT_SECONDS) if found else DEFAULT_WAIT_SECONDS


class CampaignPause(Resource):
    """Stops sending; what is in flight is finished and counted."""

    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="Stop sending; what is in flight is finished and counted",
        operation_id="pause_campaign",
        request=None,
        responses=MessageCampaignSerializer,
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        self.body(NoBody)
        return Response(to_json(CampaignService(self.caller).pause_campaign(campaign_id)))


class CampaignResume(Resource):
    """Goes on sending."""

    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="Go on sending", operation_id="resume_campaign", request=None, responses=MessageCampaignSerializer
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        self.body(NoBody)
        return Response(to_json(CampaignService(self.caller).resume_campaign(campaign_id)))


class CampaignCancel(Resource):
    """Ends a campaign for good."""

    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="End a campaign for good",
        operation_id="cancel_campaign",
        request=None,
        responses=MessageCampaignSerializer,
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        self.body(NoBody)
        return Response(to_json(CampaignService(self.caller).cancel_campaign(campaign_id)))


class CampaignClone(Resource):
    """Another draft like this one."""

    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="Make another draft like this campaign",
        operation_id="clone_campaign",
        request=CloneSerializer,
        responses={201: MessageCampaignSerializer},
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        name = self.body(CloneSerializer).get("name")
        return Response(to_json(CampaignService(self.caller).clone_campaign(campaign_id, name=name)), status=201)


class CampaignSchedule(Resource):
    """Gives a campaign its time."""

    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="Give a campaign its time",
        operation_id="schedule_campaign",
        request=ScheduleSerializer,
        responses=MessageCampaignSerializer,
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        asked = self.body(ScheduleSerializer)
        return Response(
            to_json(
                CampaignService(self.caller).schedule_campaign(
                    campaign_id, asked["scheduled_at"], confirm_everyone=asked["confirm_everyone"]
                )
            )
        )


class CampaignTestSend(Resource):
    """Sends the message to one customer, now."""

    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="Send the message to one customer, now",
        operation_id="test_send",
        request=TestSendSerializer,
        responses=TriedView,
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        asked = self.body(TestSendSerializer)
        tried = CampaignService(self.caller).test_send(
            campaign_id, customer_id=asked["customer_id"], variant=asked["variant"]
        )
        return Response(
            {
                "accepted": tried.is_accepted,
                "message_id": tried.message_id,
                "text": tried.text,
                "problem": tried.problem,
            }
        )


class CampaignReportView(Resource):
    """What became of a campaign."""

    scopes: ClassVar = {"GET": "analytics:view"}

    @extend_schema(
        summary="What became of a campaign", operation_id="get_campaign_report", responses=CampaignReportSerializer
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        self.no_query()
        return Response(CampaignService(self.caller).generate_report(campaign_id).to_json())
