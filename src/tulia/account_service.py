"""What a tenant has besides its campaigns, customers and templates: senders, settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings

from tulia.channels import senders
from tulia.channels.models import Sender
from tulia.core.errors import Forbidden
from tulia.core.keyset import Page, PageRequest
from tulia.tenants import queries, tenant_settings
from tulia.tenants.api_keys import Caller
from tulia.tenants.audit import act
from tulia.tenants.models import Tenant
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_scope

MANAGES = "integrations:manage"


class BaseUrlForbidden(Forbidden):
    """Who chooses where the worker posts to could make it knock at doors inside the operator's network."""

    code = "base_url_forbidden"


class AccountService:
    """One method for each thing a person can do; each checks the permission and opens the tenant's scope."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.tenant_id = caller.tenant_id

    def create_sender(
        self,
        *,
        kind: str,
        name: str,
        phone_number_id: str,
        access_token: str,
        app_secret: str,
        verify_token: str,
        base_url: str = "",
        rate_per_second: int = senders.DEFAULT_RATE,
        business_account_id: str = "",
        is_operator: bool = False,
    ) -> Sender:
        """Only the operator may give a `base_url`, unless the installation allows its tenants to."""
        require(self.caller, MANAGES)
        if base_url and not is_operator and not settings.TENANTS_MAY_SET_BASE_URL:
            raise BaseUrlForbidden(
                "Only the operator may set base_url: `tulia sender create --base-url`, "
                "or TULIA_TENANTS_MAY_SET_BASE_URL=true for everybody.",
                details={"base_url": "not allowed"},
            )
        with act(self.caller, "sender.create") as entry:
            made = senders.create(
                self.tenant_id,
                kind=kind,
                name=name,
                external_id=phone_number_id,
                access_token=access_token,
                app_secret=app_secret,
                verify_token=verify_token,
                base_url=base_url,
                rate_per_second=rate_per_second,
                business_account_id=business_account_id,
            )
            return entry.made(made)

    def senders(self, wanted: PageRequest) -> Page[Sender]:
        require(self.caller, MANAGES)
        with tenant_scope(self.tenant_id):
            return senders.page(self.tenant_id, wanted)

    def sender(self, sender_id: UUID) -> Sender:
        require(self.caller, MANAGES)
        with tenant_scope(self.tenant_id):
            return senders.get(self.tenant_id, sender_id)

    def change_sender(
        self,
        sender_id: UUID,
        *,
        is_paused: bool | None = None,
        paused_reason: str = "",
        name: str | None = None,
        rate_per_second: int | None = None,
        access_token: str | None = None,
        app_secret: str | None = None,
        verify_token: str | None = None,
        business_account_id: str | None = None,
    ) -> Sender:
        """Changes what is given (None: as it is)."""
        require(self.caller, MANAGES)
        with act(self.caller, "sender.update") as entry:
            entry.about(senders.get(self.tenant_id, sender_id))
            if is_paused is True:
                senders.pause(self.tenant_id, sender_id, reason=paused_reason or f"Paused by {self.caller.label}.")
            elif is_paused is False:
                senders.resume(self.tenant_id, sender_id)
            return senders.change(
                self.tenant_id,
                sender_id,
                name=name,
                rate_per_second=rate_per_second,
                access_token=access_token,
                app_secret=app_secret,
                verify_token=verify_token,
                business_account_id=business_account_id,
            )

    def settings(self) -> Tenant:
        require(self.caller, MANAGES)
        return queries.get(self.tenant_id)

    def change_settings(self, fields: Mapping[str, Any]) -> Tenant:
        """Changes the settings that are given. Raises Invalid naming every wrong one.

        Whether a second person approves campaigns is for those to say who manage people.
        """
        require(self.caller, MANAGES)
        with act(self.caller, "settings.change") as entry:
            before = entry.about(queries.get(self.tenant_id))
            if fields.get("approval_required", before.approval_required) != before.approval_required:
                require(self.caller, "users:manage")
            return tenant_settings.change(self.tenant_id, fields)
