"""/v1/campaign-templates: saved configurations to start campaigns from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api import campaign_shapes, fields
from tulia.api.campaign_shapes import MessageCampaignSerializer
from tulia.api.pagination import page_of
from tulia.api.resource import Resource
from tulia.campaign_templates_service import CampaignTemplatesService

if TYPE_CHECKING:
    from tulia.campaigns.models import CampaignTemplate


class NewCampaignTemplate(fields.Shape):
    """Either `campaign` or `from_campaign_id`."""

    name = fields.Text(max_length=255)
    description = fields.Text(required=False, allow_null=True, max_length=10_000)
    campaign = fields.Members(required=False, help_text="Any fields of POST /v1/campaigns but scheduled_at.")
    from_campaign_id = fields.Id(required=False, help_text="Save what this campaign was made from.")


class CampaignTemplateChange(fields.Shape):
    """What changes; `campaign` replaces the configuration as a whole."""

    name = fields.Text(required=False, max_length=255)
    description = fields.Text(required=False, allow_null=True, max_length=10_000)
    campaign = fields.Members(required=False, help_text="Any fields of POST /v1/campaigns but scheduled_at.")


class CampaignTemplateView(serializers.Serializer[Any]):
    """A saved configuration."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    campaign = fields.Members()
    created_by_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class CampaignTemplateOverrides(fields.Shape):
    """What the new campaign has in the place of what was saved."""

    overrides = fields.Members(required=False, help_text="Any fields of POST /v1/campaigns.")


def shown(template: CampaignTemplate) -> dict[str, Any]:
    return {
        "id": template.pk,
        "name": template.name,
        "description": template.description,
        "campaign": template.campaign,
        "created_by_id": template.created_by_id,
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    }


class CampaignTemplates(Resource):
    scopes: ClassVar = {"GET": "analytics:view", "POST": "conversations:view"}

    @extend_schema(
        summary="List campaign templates",
        operation_id="list_campaign_templates",
        responses=page_of(CampaignTemplateView),
    )
    def get(self, request: Request) -> Response:
        self.no_query()
        return self.page_answer(CampaignTemplatesService(self.caller).page(self.page_request()), shown)

    @extend_schema(
        summary="Save a campaign's configuration",
        operation_id="create_campaign_template",
        request=NewCampaignTemplate,
        responses={201: CampaignTemplateView},
    )
    def post(self, request: Request) -> Response:
        return Response(
            shown(CampaignTemplatesService(self.caller).create(**self.body(NewCampaignTemplate))), status=201
        )


class OneCampaignTemplate(Resource):
    scopes: ClassVar = {"GET": "analytics:view", "PATCH": "conversations:view", "DELETE": "conversations:view"}

    @extend_schema(
        summary="Show a campaign template", operation_id="get_campaign_template", responses=CampaignTemplateView
    )
    def get(self, request: Request, campaign_template_id: UUID) -> Response:
        self.no_query()
        return Response(shown(CampaignTemplatesService(self.caller).get(campaign_template_id)))

    @extend_schema(
        summary="Change a campaign template",
        operation_id="change_campaign_template",
        request=CampaignTemplateChange,
        responses=CampaignTemplateView,
    )
    def patch(self, request: Request, campaign_template_id: UUID) -> Response:
        changes = self.body(CampaignTemplateChange)
        return Response(shown(CampaignTemplatesService(self.caller).update(campaign_template_id, changes)))

    @extend_schema(summary="Delete a campaign template", operation_id="delete_campaign_template", responses={204: None})
    def delete(self, request: Request, campaign_template_id: UUID) -> Response:
        CampaignTemplatesService(self.caller).delete(campaign_template_id)
        return Response(status=204)


class CampaignTemplateStart(Resource):
    scopes: ClassVar = {"POST": "conversations:view"}

    @extend_schema(
        summary="Make a campaign from a campaign template",
        operation_id="start_campaign_template",
        request=CampaignTemplateOverrides,
        responses={201: MessageCampaignSerializer},
    )
    def post(self, request: Request, campaign_template_id: UUID) -> Response:
        overrides = self.body(CampaignTemplateOverrides).get("overrides")
        made = CampaignTemplatesService(self.caller).start(campaign_template_id, overrides=overrides)
        return Response(campaign_shapes.to_json(made), status=201)
