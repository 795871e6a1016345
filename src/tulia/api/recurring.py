"""/v1/recurring-campaigns: campaigns that start again and again by a rule."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api import campaign_shapes, fields
from tulia.api.campaign_shapes import MessageCampaignSerializer, NoBody
from tulia.api.pagination import page_of
from tulia.api.resource import Resource
from tulia.governance_service import APPROVES, GovernanceService
from tulia.recurring_service import Recurring, RecurringService

if TYPE_CHECKING:
    from tulia.campaigns.models import CampaignRecurrence

_RRULE = "RFC 5545, like FREQ=WEEKLY;BYDAY=MO;BYHOUR=9; an hour apart at least."
_STARTS_AT = "Wall time like 2026-11-23T09:00:00; no occurrence is before it, and it gives what the rule leaves open."
_CATCH_UP = "How late an occurrence may still be started when no worker ran at its time; default 21600 (6 hours)."
_EVERYONE = "Needed when the criteria mean every customer."


class NewRecurringCampaign(fields.Shape):
    name = fields.Text(max_length=255)
    campaign = fields.Members(help_text="Fields of POST /v1/campaigns but scheduled_at, as_of and local_time.")
    rrule = fields.Text(max_length=500, help_text=_RRULE)
    starts_at = fields.Text(max_length=40, help_text=_STARTS_AT)
    timezone = fields.Text(required=False, max_length=64, help_text="IANA name; default the tenant's, as it is now.")
    confirm_everyone = fields.Flag(required=False, help_text=_EVERYONE)
    catch_up_seconds = fields.Whole(required=False, help_text=_CATCH_UP)


class RecurringCampaignChange(fields.Shape):
    """What changes; `campaign` replaces the configuration as a whole, and needs its own `confirm_everyone`."""

    name = fields.Text(required=False, max_length=255)
    campaign = fields.Members(
        required=False, help_text="Fields of POST /v1/campaigns but scheduled_at, as_of and local_time."
    )
    rrule = fields.Text(required=False, max_length=500, help_text=_RRULE)
    starts_at = fields.Text(required=False, max_length=40, help_text=_STARTS_AT)
    timezone = fields.Text(required=False, max_length=64, help_text="IANA name.")
    confirm_everyone = fields.Flag(required=False, help_text=_EVERYONE)
    catch_up_seconds = fields.Whole(required=False, help_text=_CATCH_UP)


class ListedRecurringCampaign(serializers.Serializer[Any]):
    """A recurring campaign."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    campaign = fields.Members()
    rrule = serializers.CharField()
    starts_at = serializers.CharField(help_text="Wall time in `timezone`.")
    timezone = serializers.CharField()
    everyone_confirmed = serializers.BooleanField()
    catch_up_seconds = serializers.IntegerField()
    status = serializers.ChoiceField(["active", "paused", "ended"])
    next_at = serializers.DateTimeField(allow_null=True)
    last_at = serializers.DateTimeField(allow_null=True, help_text="The last occurrence that has a campaign.")
    missed_count = serializers.IntegerField(help_text="Occurrences that have no campaign though they were due.")
    last_missed_at = serializers.DateTimeField(allow_null=True)
    last_problem = serializers.CharField(allow_blank=True, help_text="Why the last occurrence wasn't sent, if so.")
    created_by_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class RecurringApprovalView(serializers.Serializer[Any]):
    """Whether a second person approved it as it is now."""

    is_approved = serializers.BooleanField()
    by = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)
    version = serializers.CharField(allow_blank=True, help_text="Names what it is now; another after every change.")


class RecurringCampaignView(ListedRecurringCampaign):
    """A recurring campaign with its next five occurrences."""

    next_occurrences = serializers.ListField(child=serializers.DateTimeField())
    approval = RecurringApprovalView()


class ApprovingRecurring(fields.Shape):
    """What is approved."""

    version = fields.Text(
        required=False, default="", max_length=64, help_text="What you looked at: refused when it was changed since."
    )


_COLUMNS = [str(name) for name in ListedRecurringCampaign().fields]


def listed(recurrence: CampaignRecurrence) -> dict[str, Any]:
    return {name: getattr(recurrence, name) for name in _COLUMNS}


def shown(one: Recurring) -> dict[str, Any]:
    return listed(one.recurrence) | {
        "next_occurrences": list(one.next_occurrences),
        "approval": asdict(one.approval) | {"by": one.approval.by or None},
    }


class RecurringCampaigns(Resource):
    scopes: ClassVar = {"GET": "analytics:view", "POST": "conversations:view"}

    @extend_schema(
        summary="List recurring campaigns",
        operation_id="list_recurring_campaigns",
        responses=page_of(ListedRecurringCampaign),
    )
    def get(self, request: Request) -> Response:
        self.no_query()
        return self.page_answer(RecurringService(self.caller).page(self.page_request()), listed)

    @extend_schema(
        summary="Make a recurring campaign",
        operation_id="create_recurring_campaign",
        request=NewRecurringCampaign,
        responses={201: RecurringCampaignView},
    )
    def post(self, request: Request) -> Response:
        return Response(shown(RecurringService(self.caller).create(self.body(NewRecurringCampaign))), status=201)


class OneRecurringCampaign(Resource):
    scopes: ClassVar = {"GET": "analytics:view", "PATCH": "conversations:view", "DELETE": "conversations:view"}

    @extend_schema(
        summary="Show a recurring campaign", operation_id="get_recurring_campaign", responses=RecurringCampaignView
    )
    def get(self, request: Request, recurrence_id: UUID) -> Response:
        self.no_query()
        return Response(shown(RecurringService(self.caller).get(recurrence_id)))

    @extend_schema(
        summary="Change a recurring campaign",
        operation_id="change_recurring_campaign",
        request=RecurringCampaignChange,
        responses=RecurringCampaignView,
    )
    def patch(self, request: Request, recurrence_id: UUID) -> Response:
        return Response(shown(RecurringService(self.caller).update(recurrence_id, self.body(RecurringCampaignChange))))

    @extend_schema(
        summary="Delete a recurring campaign; the campaigns it made stay",
        operation_id="delete_recurring_campaign",
        responses={204: None},
    )
    def delete(self, request: Request, recurrence_id: UUID) -> Response:
        RecurringService(self.caller).delete(recurrence_id)
        return Response(status=204)


class RecurringPause(Resource):
    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="Pause a recurring campaign",
        operation_id="pause_recurring_campaign",
        request=None,
        responses=RecurringCampaignView,
    )
    def post(self, request: Request, recurrence_id: UUID) -> Response:
        self.body(NoBody)
        return Response(shown(RecurringService(self.caller).pause(recurrence_id)))


class RecurringResume(Resource):
    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="Go on with a paused recurring campaign",
        operation_id="resume_recurring_campaign",
        request=None,
        responses=RecurringCampaignView,
    )
    def post(self, request: Request, recurrence_id: UUID) -> Response:
        self.body(NoBody)
        return Response(shown(RecurringService(self.caller).resume(recurrence_id)))


class RecurringSkipNext(Resource):
    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="Leave the next occurrence out",
        operation_id="skip_next_recurring_campaign",
        request=None,
        responses=RecurringCampaignView,
    )
    def post(self, request: Request, recurrence_id: UUID) -> Response:
        self.body(NoBody)
        return Response(shown(RecurringService(self.caller).skip_next(recurrence_id)))


class RecurringApprove(Resource):
    scopes: ClassVar = {"POST": APPROVES}

    @extend_schema(
        summary="Approve a recurring campaign that somebody else made, and all that it makes as it is",
        operation_id="approve_recurring_campaign",
        request=ApprovingRecurring,
        responses=RecurringApprovalView,
    )
    def post(self, request: Request, recurrence_id: UUID) -> Response:
        found = GovernanceService(self.caller).approve_recurring(recurrence_id, **self.body(ApprovingRecurring))
        return Response(asdict(found) | {"by": found.by or None})


class RecurringChildren(Resource):
    scopes: ClassVar = {"GET": "analytics:view"}

    @extend_schema(
        summary="List the campaigns that a recurring campaign made",
        operation_id="list_campaigns_of_recurring_campaign",
        responses=page_of(MessageCampaignSerializer),
    )
    def get(self, request: Request, recurrence_id: UUID) -> Response:
        self.no_query()
        found = RecurringService(self.caller).campaigns(recurrence_id, self.page_request())
        return self.page_answer(found, campaign_shapes.to_json)
