"""/v1/templates: the approved messages of a tenant."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api import fields
from tulia.api.pagination import page_of
from tulia.api.resource import Resource
from tulia.campaigns import wordings
from tulia.channels import templates
from tulia.template_service import TemplateService

if TYPE_CHECKING:
    from tulia.channels.models import MessageTemplate
    from tulia.channels.placeholders import Place

_BODY = "With placeholders {{1}}, {{2}}… or {{first_name}}…, never both. Instead of components, for a body alone."
_COMPONENTS = "Header, body, footer and buttons; see docs/api.md. Instead of body."
_PLACES = "A text for each place of the template, by its key."


class NewTemplate(fields.Shape):
    name = fields.Text(max_length=512, help_text="Small letters, digits and underscores.")
    language = fields.Text(max_length=20, help_text="Like en, sw or en_US.")
    category = fields.Choice(choices=templates.CATEGORIES)
    body = fields.Text(required=False, max_length=templates.MAX_BODY_LENGTH, trim_whitespace=False, help_text=_BODY)
    components = serializers.JSONField(required=False, help_text=_COMPONENTS)
    examples = serializers.DictField(child=fields.Text(), required=False, help_text=_PLACES)
    defaults = serializers.DictField(
        child=fields.Text(), required=False, help_text=f"{_PLACES} Stands there for whom the value can't be made."
    )
    status = fields.Choice(choices=templates.STATUSES, required=False, help_text="Default: approved.")
    provider_id = fields.Text(required=False, max_length=100, help_text="The provider's own id of it.")


class TemplateChange(fields.Shape):
    category = fields.Choice(choices=templates.CATEGORIES, required=False)
    body = fields.Text(required=False, max_length=templates.MAX_BODY_LENGTH, trim_whitespace=False, help_text=_BODY)
    components = serializers.JSONField(required=False, help_text=_COMPONENTS)
    examples = serializers.DictField(child=fields.Text(), required=False, help_text=_PLACES)
    defaults = serializers.DictField(child=fields.Text(), required=False, help_text=_PLACES)
    status = fields.Choice(choices=templates.STATUSES, required=False)
    provider_id = fields.Text(required=False, max_length=100)


class TemplateFilter(fields.Shape):
    status = fields.Choice(choices=templates.STATUSES, required=False)


class TemplatePlaceView(serializers.Serializer[Any]):
    """One place to fill; `key` is how a campaign's template_variables name it."""

    key = serializers.CharField()
    part = serializers.CharField()
    kind = serializers.CharField()
    is_required = serializers.BooleanField()
    standard = serializers.CharField(allow_null=True, help_text="What stands there when a campaign says nothing.")
    example = serializers.CharField(allow_null=True)
    default = serializers.CharField(allow_null=True)


class TemplateView(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    language = serializers.CharField()
    category = serializers.CharField()
    status = serializers.CharField()
    status_reason = serializers.CharField(allow_blank=True)
    quality = serializers.CharField()
    provider_id = serializers.CharField(allow_blank=True)
    body = serializers.CharField()
    components = serializers.ListField(child=serializers.JSONField())
    variables = serializers.ListField(child=serializers.CharField())
    places = TemplatePlaceView(many=True)
    use_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


def shown(template: MessageTemplate, *, use_count: int) -> dict[str, Any]:
    parts = templates.parts_of(template)
    return {
        "id": template.pk,
        "name": template.name,
        "language": template.language,
        "category": template.category,
        "status": template.status,
        "status_reason": template.status_reason,
        "quality": template.quality,
        "provider_id": template.provider_id,
        "body": template.body,
        "components": parts.to_json(),
        "variables": template.variables,
        "places": [
            {
                "key": place.key,
                "part": place.part,
                "kind": place.kind,
                "is_required": _is_required(template, place),
                "standard": wordings.STANDARD_VALUES.get(place.name),
                "example": template.examples.get(place.key),
                "default": template.defaults.get(place.key),
            }
            for place in parts.places()
        ],
        "use_count": use_count,
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    }


def _is_required(template: MessageTemplate, place: Place) -> bool:
    """Whether a campaign can't be launched without giving it a value."""
    return place.is_required and place.key not in template.defaults and place.name not in wordings.STANDARD_VALUES


class Templates(Resource):
    scopes = {"GET": "analytics:view", "POST": "integrations:manage"}

    @extend_schema(
        summary="List templates",
        operation_id="list_templates",
        parameters=[TemplateFilter],
        responses=page_of(TemplateView),
    )
    def get(self, request: Request) -> Response:
        service = TemplateService(self.caller)
        found = service.templates(self.page_request(), **self.query(TemplateFilter))
        uses = service.uses(template.pk for template in found.results)
        return self.page_answer(found, lambda template: shown(template, use_count=uses[template.pk]))

    @extend_schema(
        summary="Add a template", operation_id="create_template", request=NewTemplate, responses={201: TemplateView}
    )
    def post(self, request: Request) -> Response:
        made = TemplateService(self.caller).create_template(**self.body(NewTemplate))
        return Response(shown(made, use_count=0), status=201)


class UnusableTemplateView(serializers.Serializer[Any]):
    """A template of the provider's that can't be sent from here, and why."""

    name = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()


class SyncedView(serializers.Serializer[Any]):
    """What a sync did."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    skipped = UnusableTemplateView(many=True)


class NoFields(fields.Shape):
    """A body without fields."""


class SyncTemplates(Resource):
    scopes = {"POST": "integrations:manage"}

    @extend_schema(
        summary="Take over the provider's templates",
        operation_id="sync_templates",
        request=NoFields,
        responses=SyncedView,
    )
    def post(self, request: Request, sender_id: UUID) -> Response:
        self.body(NoFields)
        return Response(asdict(TemplateService(self.caller).sync_templates(sender_id)))


class OneTemplate(Resource):
    scopes = {"GET": "analytics:view", "PATCH": "integrations:manage", "DELETE": "integrations:manage"}

    @extend_schema(summary="Show a template", operation_id="get_template", responses=TemplateView)
    def get(self, request: Request, template_id: UUID) -> Response:
        self.no_query()
        return self._answer(TemplateService(self.caller).template(template_id))

    @extend_schema(
        summary="Change a template", operation_id="change_template", request=TemplateChange, responses=TemplateView
    )
    def patch(self, request: Request, template_id: UUID) -> Response:
        return self._answer(TemplateService(self.caller).change_template(template_id, **self.body(TemplateChange)))

    @extend_schema(summary="Delete a template", operation_id="delete_template", responses={204: None})
    def delete(self, request: Request, template_id: UUID) -> Response:
        TemplateService(self.caller).delete_template(template_id)
        return Response(status=204)

    def _answer(self, template: MessageTemplate) -> Response:
        uses = TemplateService(self.caller).uses([template.pk])
        return Response(shown(template, use_count=uses[template.pk]))
