"""/v1/templates: the approved messages of a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.account_service import AccountService
from tulia.api import fields
from tulia.api.pagination import page_of
from tulia.api.resource import Resource
from tulia.channels import templates

if TYPE_CHECKING:
    from tulia.channels.models import MessageTemplate


class NewTemplate(fields.Shape):
    name = fields.Text(max_length=512, help_text="Small letters, digits and underscores.")
    language = fields.Text(max_length=20, help_text="Like en, sw or en_US.")
    category = serializers.ChoiceField(choices=templates.CATEGORIES)
    body = fields.Text(
        max_length=templates.MAX_BODY_LENGTH,
        trim_whitespace=False,
        help_text="With placeholders {{1}}, {{2}}… or {{first_name}}…, never both.",
    )


class TemplateFilter(fields.Shape):
    status = serializers.ChoiceField(choices=templates.STATUSES, required=False)


class TemplateView(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    language = serializers.CharField()
    category = serializers.CharField()
    status = serializers.CharField()
    body = serializers.CharField()
    variables = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()


def shown(template: MessageTemplate) -> dict[str, Any]:
    return {
        "id": template.pk,
        "name": template.name,
        "language": template.language,
        "category": template.category,
        "status": template.status,
        "body": template.body,
        "variables": template.variables,
        "created_at": template.created_at,
    }


class Templates(Resource):
    scopes = {"GET": "analytics:view", "POST": "integrations:manage"}

    @extend_schema(
        summary="List templates",
        operation_id="list_templates",
        parameters=[TemplateFilter],
        responses=page_of(TemplateView),
    )
    def get(self, request: Request) -> Response:
        wanted = self.query(TemplateFilter)
        return self.page_answer(AccountService(self.caller).templates(self.page_request(), **wanted), shown)

    @extend_schema(
        summary="Add a template", operation_id="create_template", request=NewTemplate, responses={201: TemplateView}
    )
    def post(self, request: Request) -> Response:
        return Response(shown(AccountService(self.caller).create_template(**self.body(NewTemplate))), status=201)


class OneTemplate(Resource):
    scopes = {"GET": "analytics:view"}

    @extend_schema(summary="Show a template", operation_id="get_template", responses=TemplateView)
    def get(self, request: Request, template_id: UUID) -> Response:
        return Response(shown(AccountService(self.caller).template(template_id)))
