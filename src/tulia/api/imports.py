"""/v1/…/import: files of customers, orders, bookings and messages, read as they arrive."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api.resource import Resource
from tulia.audience.imports import Kind
from tulia.audience_service import IMPORTS, AudienceService

MEDIA_TYPES = ("text/csv", "application/x-ndjson", "application/ndjson", "application/gzip")
_BODY = {media_type: {"type": "string", "minLength": 1} for media_type in MEDIA_TYPES}


class NotAFile(exceptions.APIException):
    status_code = 415
    default_detail = "Send the file as the body, with Content-Type: text/csv or application/x-ndjson."


class RejectedLineView(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="Counted from 1; the header of a CSV file is the first.")
    error = serializers.CharField()


class ImportView(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    rejected = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    errors = RejectedLineView(many=True, help_text="The first thousand of the rejected lines.")  # type: ignore[assignment]


class Import(Resource):
    """The body is never held in memory, so it can't be repeated by `Idempotency-Key`; importing again changes nothing."""

    kind: ClassVar[Kind]
    is_repeatable = False

    def run(self, request: Request) -> Response:
        if (request.content_type or "").split(";")[0].strip().lower() not in MEDIA_TYPES:
            raise NotAFile
        self.no_query()
        result = AudienceService(self.caller).import_file(self.kind, request._request)
        return Response(
            {
                "created": result.created,
                "updated": result.updated,
                "rejected": result.rejected,
                "unchanged": result.unchanged,
                "errors": [{"line": fault.line, "error": fault.error} for fault in result.errors],
            }
        )


class ImportCustomers(Import):
    kind = "customers"
    scopes = {"POST": IMPORTS["customers"]}

    @extend_schema(
        summary="Import customers", operation_id="import_customers", request=_BODY, responses={200: ImportView}
    )
    def post(self, request: Request) -> Response:
        return self.run(request)


class ImportOrders(Import):
    kind = "orders"
    scopes = {"POST": IMPORTS["orders"]}

    @extend_schema(summary="Import orders", operation_id="import_orders", request=_BODY, responses={200: ImportView})
    def post(self, request: Request) -> Response:
        return self.run(request)


class ImportBookings(Import):
    kind = "bookings"
    scopes = {"POST": IMPORTS["bookings"]}

    @extend_schema(
        summary="Import bookings", operation_id="import_bookings", request=_BODY, responses={200: ImportView}
    )
    def post(self, request: Request) -> Response:
        return self.run(request)


class ImportMessages(Import):
    kind = "messages"
    scopes = {"POST": IMPORTS["messages"]}

    @extend_schema(
        summary="Import messages", operation_id="import_messages", request=_BODY, responses={200: ImportView}
    )
    def post(self, request: Request) -> Response:
        return self.run(request)
