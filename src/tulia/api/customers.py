"""/v1/customers: people, what they agreed to, and files of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api import fields
from tulia.api.pagination import page_of
from tulia.api.resource import Resource
from tulia.audience_service import SEES, AudienceService

if TYPE_CHECKING:
    from tulia.audience.consent import Entry, Preferences
    from tulia.audience.customers import Person

_ATTRIBUTES = "A flat object of texts, numbers, true and false; null takes one away."


class CustomerChange(fields.Shape):
    external_id = fields.Text(required=False, allow_null=True, allow_blank=True, max_length=200)
    phone = fields.Text(required=False, max_length=60, help_text="With the country code, or as dialled at home.")
    name = fields.Text(required=False, allow_blank=True, max_length=200)
    language = fields.Text(required=False, allow_blank=True, max_length=20)
    timezone = fields.Text(required=False, allow_blank=True, max_length=64)
    country = fields.Text(required=False, allow_blank=True, max_length=2)
    tags = fields.Strings(required=False, max_length=200)
    attributes = serializers.DictField(required=False, help_text=_ATTRIBUTES)


class NewCustomer(CustomerChange):
    phone = fields.Text(max_length=60, help_text="With the country code, or as dialled at home.")
    consent_promotional = fields.Flag(required=False, help_text="true: the person agreed to campaign messages.")


class PreferencesView(serializers.Serializer[Any]):
    transactional_messages = serializers.BooleanField()
    reminder_messages = serializers.BooleanField()
    promotional_messages = serializers.BooleanField()


class CustomerView(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    phone = serializers.CharField()
    name = serializers.CharField()
    language = serializers.CharField()
    timezone = serializers.CharField()
    country = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    attributes = serializers.DictField()
    preferences = PreferencesView()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class CustomerFilter(fields.Shape):
    tag = fields.Text(required=False, max_length=100)
    phone = fields.Text(required=False, max_length=60)
    external_id = fields.Text(required=False, max_length=200)
    q = fields.Text(required=False, max_length=100, help_text="A piece of the name, phone or external id.")


class PreferencesChange(fields.Shape):
    transactional_messages = fields.Flag(required=False, help_text="Can't be switched off.")
    reminder_messages = fields.Flag(required=False)
    promotional_messages = fields.Flag(required=False)
    source = fields.Choice(  # type: ignore[assignment]
        choices=["tenant_updated", "customer_initiated"], default="tenant_updated", help_text="Whose decision it was."
    )
    reason = fields.Text(
        required=False, default="", allow_blank=True, max_length=500, help_text="Required: why, and how it is known."
    )


class ConsentEntryView(serializers.Serializer[Any]):
    consent_type = serializers.CharField()
    old_value = serializers.BooleanField(allow_null=True)
    new_value = serializers.BooleanField()
    source = serializers.CharField()  # type: ignore[assignment]
    actor = serializers.CharField()
    reason = serializers.CharField()
    changed_at = serializers.DateTimeField()


def shown(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "external_id": person.external_id,
        "phone": person.phone,
        "name": person.name,
        "language": person.language,
        "timezone": person.timezone,
        "country": person.country,
        "tags": list(person.tags),
        "attributes": dict(person.attributes),
        "preferences": shown_preferences(person.preferences),
        "created_at": person.created_at,
        "updated_at": person.updated_at,
    }


def shown_preferences(preferences: Preferences) -> dict[str, bool]:
    return {
        "transactional_messages": preferences.transactional_messages,
        "reminder_messages": preferences.reminder_messages,
        "promotional_messages": preferences.promotional_messages,
    }


def _shown_entry(entry: Entry) -> dict[str, Any]:
    return {
        "consent_type": entry.consent_type,
        "old_value": entry.old_value,
        "new_value": entry.new_value,
        "source": entry.source,
        "actor": entry.actor,
        "reason": entry.reason,
        "changed_at": entry.changed_at,
    }


class Customers(Resource):
    scopes = {"GET": SEES, "POST": SEES}

    @extend_schema(
        summary="List customers, the newest first",
        operation_id="list_customers",
        parameters=[CustomerFilter],
        responses=page_of(CustomerView),
    )
    def get(self, request: Request) -> Response:
        found = AudienceService(self.caller).customers(self.page_request(), **self.query(CustomerFilter))
        return self.page_answer(found, shown)

    @extend_schema(
        summary="Add a customer", operation_id="create_customer", request=NewCustomer, responses={201: CustomerView}
    )
    def post(self, request: Request) -> Response:
        return Response(shown(AudienceService(self.caller).create_customer(self.body(NewCustomer))), status=201)


class OneCustomer(Resource):
    scopes = {"GET": SEES, "PATCH": SEES, "DELETE": SEES}

    @extend_schema(summary="Show a customer", operation_id="get_customer", responses=CustomerView)
    def get(self, request: Request, customer_id: UUID) -> Response:
        self.no_query()
        return Response(shown(AudienceService(self.caller).customer(customer_id)))

    @extend_schema(
        summary="Change a customer: tags are replaced, attributes merged",
        operation_id="change_customer",
        request=CustomerChange,
        responses=CustomerView,
    )
    def patch(self, request: Request, customer_id: UUID) -> Response:
        changes = self.body(CustomerChange)
        return Response(shown(AudienceService(self.caller).change_customer(customer_id, changes)))

    @extend_schema(summary="Take a customer away", operation_id="delete_customer", responses={204: None})
    def delete(self, request: Request, customer_id: UUID) -> Response:
        AudienceService(self.caller).delete_customer(customer_id)
        return Response(status=204)


class CustomerPreferences(Resource):
    scopes = {"GET": SEES, "PUT": SEES}

    @extend_schema(summary="Show what a customer agrees to", operation_id="get_preferences", responses=PreferencesView)
    def get(self, request: Request, customer_id: UUID) -> Response:
        self.no_query()
        return Response(shown_preferences(AudienceService(self.caller).preferences(customer_id)))

    @extend_schema(
        summary="Set what a customer agrees to; what isn't named stays",
        operation_id="set_preferences",
        request=PreferencesChange,
        responses=PreferencesView,
    )
    def put(self, request: Request, customer_id: UUID) -> Response:
        wanted = self.body(PreferencesChange)
        source, reason = wanted.pop("source"), wanted.pop("reason")
        service = AudienceService(self.caller)
        return Response(shown_preferences(service.set_preferences(customer_id, wanted, source=source, reason=reason)))


class ConsentHistory(Resource):
    scopes = {"GET": SEES}

    @extend_schema(
        summary="List the changes of what a customer agrees to, the newest first",
        operation_id="list_consent_history",
        responses=page_of(ConsentEntryView),
    )
    def get(self, request: Request, customer_id: UUID) -> Response:
        self.no_query()
        found = AudienceService(self.caller).consent_history(customer_id, self.page_request())
        return self.page_answer(found, _shown_entry)
