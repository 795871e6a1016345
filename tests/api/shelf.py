"""A small resource of the tests' own, mounted on the API's classes to try what all resources share."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api import fields
from tulia.api.resource import Resource
from tulia.audience.models import Customer
from tulia.config import urls as real
from tulia.core import keyset
from tulia.core.errors import Conflict, Forbidden, Invalid, Missing
from tulia.tenants.scope import tenant_scope

made: list[dict[str, Any]] = []
REFUSALS = {"invalid": Invalid, "forbidden": Forbidden, "missing": Missing, "conflict": Conflict}


class NewBook(fields.Shape):
    title = fields.Text(max_length=20)
    pages = fields.Whole(min_value=1, required=False)
    is_lent = fields.Flag(required=False)
    lent_at = fields.Instant(required=False)


class Books(Resource):
    scopes = {"GET": "catalog:view", "POST": "catalog:edit"}

    def get(self, request: Request) -> Response:
        with tenant_scope(self.caller.tenant_id):
            page = keyset.page(Customer.objects.all(), self.page_request(), order=("-created_at", "-id"))
        return self.page_answer(page, lambda row: row.name)

    def post(self, request: Request) -> Response:
        book = self.body(NewBook)
        if book["title"] == "slow":
            time.sleep(0.5)
        made.append(book)
        if book["title"] == "breaks after":
            raise IntegrityError
        return Response({"number": len(made), "made_at": datetime.now(tz=UTC), **book}, status=201)


class Forgotten(Resource):
    scopes = {"GET": "catalog:view"}

    def get(self, request: Request) -> Response:
        return Response({})

    def post(self, request: Request) -> Response:
        return Response({})


class Broken(Resource):
    scopes = {"GET": "catalog:view"}

    def get(self, request: Request, how: str) -> Response:
        if how in REFUSALS:
            raise REFUSALS[how]("No.", details={"how": how})
        raise IntegrityError("Key (phone)=(+254700000001) already exists")


urlpatterns = [
    path("v1/books", Books.as_view()),
    path("v1/books/<uuid:book_id>", Forgotten.as_view()),
    path("v1/forgotten", Forgotten.as_view()),
    path("v1/broken/<str:how>", Broken.as_view()),
    path("", include(real.urlpatterns)),
]
handler404, handler500 = real.handler404, real.handler500
