"""/v1/customers/{id}/export and /erase, and /v1/compliance/refusals: a customer's rights, and what was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api import fields
from tulia.api.customer_file_shapes import CustomerExportView
from tulia.api.pagination import page_of
from tulia.api.resource import Resource
from tulia.core.errors import Invalid
from tulia.privacy_service import ERASES, SEES, PrivacyService

if TYPE_CHECKING:
    from tulia.ledger.refused_sends import RefusedSend


class Erasure(fields.Shape):
    confirm = fields.Flag(required=False, default=False, help_text="Must be true: it can't be undone.")
    reason = fields.Text(max_length=500, help_text="Why; kept in the audit log, so name nobody.")


class ErasedView(serializers.Serializer[Any]):
    customer_id = serializers.UUIDField()
    erased_at = serializers.DateTimeField()
    unsent_count = serializers.IntegerField(help_text="Campaign messages that waited for them and won't be sent.")


class RefusalFilter(fields.Shape):
    campaign_id = fields.Id(required=False)
    customer_id = fields.Id(required=False)


class RefusedSendView(serializers.Serializer[Any]):
    customer_id = serializers.UUIDField()
    campaign_id = serializers.UUIDField()
    act = serializers.CharField(help_text="campaign, or test_send.")
    reason = serializers.CharField(help_text="no_consent, or opted_out (since the campaign's start).")
    actor = serializers.CharField()
    at = serializers.DateTimeField()


def _shown(refused: RefusedSend) -> dict[str, Any]:
    return {
        "customer_id": refused.customer_id,
        "campaign_id": refused.campaign_id,
        "act": refused.act,
        "reason": refused.reason,
        "actor": refused.actor,
        "at": refused.at,
    }


class CustomerExport(Resource):
    scopes = {"GET": SEES}

    @extend_schema(
        summary="Everything held of one customer", operation_id="export_customer", responses=CustomerExportView
    )
    def get(self, request: Request, customer_id: UUID) -> Response:
        self.query(fields.Shape)
        return Response(PrivacyService(self.caller).export_customer(customer_id))


class CustomerErase(Resource):
    scopes = {"POST": ERASES}

    @extend_schema(
        summary="Erase a customer: what names them goes, what counts them stays",
        operation_id="erase_customer",
        request=Erasure,
        responses=ErasedView,
    )
    def post(self, request: Request, customer_id: UUID) -> Response:
        asked = self.body(Erasure)
        if not asked["confirm"]:
            raise Invalid('Erasing can\'t be undone: repeat with "confirm": true.', details={"confirm": "must be true"})
        erased = PrivacyService(self.caller).erase_customer(customer_id, reason=asked["reason"])
        return Response(
            {"customer_id": erased.customer_id, "erased_at": erased.erased_at, "unsent_count": erased.unsent_count}
        )


class RefusedSends(Resource):
    scopes = {"GET": SEES}

    @extend_schema(
        summary="List the sends that were refused for want of consent, the newest run first",
        operation_id="list_refused_sends",
        parameters=[RefusalFilter],
        responses=page_of(RefusedSendView),
    )
    def get(self, request: Request) -> Response:
        found = PrivacyService(self.caller).refused_sends(self.page_request(), **self.query(RefusalFilter))
        return self.page_answer(found, _shown)
