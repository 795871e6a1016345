"""/v1/members: who works for a tenant, as what, and what is granted or denied to them besides. A deny wins."""

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
from tulia.governance_service import MANAGES, GovernanceService
from tulia.tenants import access

if TYPE_CHECKING:
    from tulia.tenants.models import Membership

_MOST_SCOPES = 50


class MemberChange(fields.Shape):
    role = fields.Text(required=False, max_length=30, help_text=", ".join(access.ROLES))
    granted = fields.Strings(required=False, max_length=_MOST_SCOPES, help_text="Permissions beside the role's.")
    denied = fields.Strings(required=False, max_length=_MOST_SCOPES, help_text="Permissions taken away; a deny wins.")


class NewMember(MemberChange):
    email = fields.Text(max_length=254)
    name = fields.Text(max_length=200)
    role = fields.Text(max_length=30, help_text=", ".join(access.ROLES))
    password = fields.Text(
        write_only=True, max_length=200, trim_whitespace=False, help_text="Counts for people who have no account yet."
    )


class MemberView(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    email = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField()
    granted = serializers.ListField(child=serializers.CharField())
    denied = serializers.ListField(child=serializers.CharField())
    scopes = serializers.ListField(child=serializers.CharField(), help_text="What all of this comes to.")


def shown(member: Membership) -> dict[str, Any]:
    return {
        "id": member.user_id,
        "email": member.user.email,
        "name": member.user.name,
        "role": member.role,
        "granted": member.granted,
        "denied": member.denied,
        "scopes": sorted(access.scopes_of(member.role, granted=member.granted, denied=member.denied)),
    }


class Members(Resource):
    scopes = {"GET": MANAGES, "POST": MANAGES}

    @extend_schema(summary="List members", operation_id="list_members", responses=page_of(MemberView))
    def get(self, request: Request) -> Response:
        self.no_query()
        return self.page_answer(GovernanceService(self.caller).members(self.page_request()), shown)

    @extend_schema(summary="Add a member", operation_id="add_member", request=NewMember, responses={201: MemberView})
    def post(self, request: Request) -> Response:
        return Response(shown(GovernanceService(self.caller).add_member(**self.body(NewMember))), status=201)


class OneMember(Resource):
    scopes = {"PATCH": MANAGES, "DELETE": MANAGES}

    @extend_schema(
        summary="Change a member's role, grants and denials",
        operation_id="change_member",
        request=MemberChange,
        responses=MemberView,
    )
    def patch(self, request: Request, member_id: UUID) -> Response:
        changes = self.body(MemberChange)
        return Response(shown(GovernanceService(self.caller).change_member(member_id, **changes)))

    @extend_schema(summary="Remove a member", operation_id="remove_member", responses={204: None})
    def delete(self, request: Request, member_id: UUID) -> Response:
        GovernanceService(self.caller).remove_member(member_id)
        return Response(status=204)
