"""Tenants, the people who work for them, and the keys of their programs."""

from __future__ import annotations

import datetime
import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from tulia.tenants import opt_out_settings


class Tier(models.Model):
    """A subscription tier; rows an operator can edit. A null limit is no limit."""

    name = models.CharField(max_length=20, primary_key=True)
    max_variants = models.PositiveSmallIntegerField()
    max_campaign_sends_per_month = models.PositiveIntegerField(null=True)
    max_messages_per_month = models.PositiveIntegerField(null=True)
    max_messages_per_day = models.PositiveIntegerField(null=True)
    position = models.PositiveSmallIntegerField(unique=True)

    class Meta:
        db_table = "tiers"


class Tenant(models.Model):
    """A business. `country` (ISO 3166) completes local phone numbers; `timezone` is an IANA name.

    In the quiet hours (wall-clock times; both null: none) no campaign message goes out. At most
    `frequency_cap_messages` of them in `frequency_cap_days` days reach one customer (both null: any number).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=63, unique=True)
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, db_column="tier")
    timezone = models.CharField(max_length=64, default="Africa/Nairobi")
    country = models.CharField(max_length=2, default="KE")
    opt_out_words = models.JSONField(default=list, db_default=[])
    opt_in_words = models.JSONField(default=list, db_default=[])
    opt_out_reply = models.TextField(
        null=True, default=opt_out_settings.STOP_REPLY, db_default=opt_out_settings.STOP_REPLY
    )
    opt_in_reply = models.TextField(
        null=True, default=opt_out_settings.START_REPLY, db_default=opt_out_settings.START_REPLY
    )
    quiet_hours_start = models.TimeField(null=True, default=datetime.time(22), db_default=datetime.time(22))
    quiet_hours_end = models.TimeField(null=True, default=datetime.time(8), db_default=datetime.time(8))
    frequency_cap_messages = models.PositiveSmallIntegerField(null=True)
    frequency_cap_days = models.PositiveSmallIntegerField(null=True)
    approval_required = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "tenants"
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=models.Q(slug__regex=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"), name="tenants_slug_form"
            ),
            models.CheckConstraint(condition=models.Q(country__regex=r"^[A-Z]{2}$"), name="tenants_country_form"),
            models.CheckConstraint(
                condition=models.Q(quiet_hours_start__isnull=True, quiet_hours_end__isnull=True)
                | models.Q(quiet_hours_start__isnull=False, quiet_hours_end__isnull=False),
                name="tenants_quiet_hours_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(frequency_cap_messages__isnull=True, frequency_cap_days__isnull=True)
                | models.Q(frequency_cap_messages__gte=1, frequency_cap_days__gte=1),
                name="tenants_frequency_cap_whole",
            ),
        ]


class UserManager(BaseUserManager["User"]):
    """Finds people by e-mail address, whatever its case."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username or "")


class User(AbstractBaseUser):
    """A person who signs in; may work for several tenants."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    USERNAME_FIELD = "email"
    objects = UserManager()

    class Meta:
        db_table = "users"


class Membership(models.Model):
    """A person's role with one tenant, and single permissions granted or denied beside it (a deny wins)."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    role = models.CharField(max_length=30)
    granted = ArrayField(models.CharField(max_length=60), default=list)
    denied = ArrayField(models.CharField(max_length=60), default=list)

    class Meta:
        db_table = "memberships"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "user"], name="memberships_one_per_person"),
        ]


class ApiKey(models.Model):
    """A program's key, stored as SHA-256 of 256 random bits; `prefix` lets people recognise it.

    `created_by` is the person who made it. `answers_as` (`Caller.person`) is whose deeds its deeds are; empty: its own.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=20)
    key_digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=60))
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, db_index=False)
    answers_as = models.CharField(max_length=60, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_keys"


class IdempotentRequest(models.Model):
    """A request that carried an `Idempotency-Key`, and the answer it got (`status` null: none yet); kept for a day."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer_encrypted = models.TextField(blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "idempotent_requests"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant", "created_at"], name="idempotent_requests_age"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "key"], name="idempotent_requests_key_unique"),
        ]


class AuditEntry(models.Model):
    """One act: who did what to what, from where, and what changed by it (`old` and `new` hold the changed fields only).

    Rows are added in the transaction of the act and never change; the database forbids it. `actor_id` and `target_id`
    name what may be gone by now, so they are no foreign keys. `person` is `Caller.person`.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)
    actor = models.CharField(max_length=300)
    person = models.CharField(max_length=60)
    via = models.CharField(max_length=10)
    address = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=300, blank=True)
    action = models.CharField(max_length=60)
    target_kind = models.CharField(max_length=30)
    target_id = models.CharField(max_length=60)
    target_name = models.CharField(max_length=300, blank=True)
    old = models.JSONField(default=dict)
    new = models.JSONField(default=dict)

    class Meta:
        db_table = "audit_entries"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant", "at", "id"], name="audit_entries_by_time"),
            models.Index(fields=["tenant", "target_id", "at", "id"], name="audit_entries_by_target"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=models.Q(actor_kind__in=["user", "api_key", "operator", "system"]), name="audit_entries_actor"
            ),
            models.CheckConstraint(
                condition=models.Q(via__in=["api", "web", "cli", "system"]), name="audit_entries_via"
            ),
        ]
