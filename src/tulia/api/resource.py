"""What every address under /v1 shares: the caller, a strictly read body, pages, and safe repetition."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from django.http import HttpRequest, HttpResponseBase
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tulia.api import fields, idempotency, pagination
from tulia.core.errors import Invalid
from tulia.core.keyset import Page, PageRequest
from tulia.tenants.api_keys import Caller
from tulia.tenants.idempotency import Claim

T = TypeVar("T")


@functools.cache
def _of_an_empty_query(shape: type[serializers.Serializer[Any]]) -> Mapping[str, Any]:
    """What an address without parameters means; most have none, and to check that costs a tenth of a short answer."""
    reader = shape(data={})
    reader.is_valid(raise_exception=True)
    return dict(reader.validated_data)


def _let_go(response: Response) -> None:
    """Request, view and answer know one another, and a view its own `head`: left so, thousands of them wait for the
    search for garbage, which stops every other request of the process for a twentieth of a second."""
    context = response.renderer_context  # type: ignore[attr-defined]
    vars(context["view"]).pop("head", None)
    context["request"].parser_context = {}
    context.clear()


class AlwaysJson(BaseContentNegotiation):
    """Answers JSON whatever the Accept header says: an answer is more use than a 406."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        wanted = (request.content_type or "").split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == wanted), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type or ""


class Resource(APIView):
    """One address. Subclasses say `scopes = {"GET": …, "POST": …}`; a method that names no scope refuses everybody.

    `is_repeatable = False` turns off `Idempotency-Key` for bodies that are streamed.
    """

    scopes: ClassVar[Mapping[str, str]] = {}
    is_repeatable: ClassVar[bool] = True
    content_negotiation_class = AlwaysJson
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    _claim: Claim | None = None

    @property
    def caller(self) -> Caller:
        caller = self.request.user
        assert isinstance(caller, Caller)  # HasDeclaredScope let nobody else in
        return caller

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        # REST framework takes a body without Content-Length (sent in chunks) for no body.
        if self.is_repeatable and "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            request.META["CONTENT_LENGTH"] = str(len(request.body))
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if any("\x00" in value for values in request.query_params.lists() for value in (values[0], *values[1])):
            raise Invalid("The address contains the character NUL.")
        if self.is_repeatable and isinstance(request.user, Caller):
            self._claim = idempotency.begin(request, request.user)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, idempotency.AlreadyAnswered):
            return idempotency.replay(exc.stored)
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any) -> Response:
        if self._claim is not None and isinstance(response, Response):
            idempotency.end(self._claim, response)
            self._claim = None
        finished = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        if isinstance(finished, Response):
            finished.add_post_render_callback(_let_go)
        return finished

    def body(self, shape: type[serializers.Serializer[Any]], *, partial: bool = False) -> dict[str, Any]:
        """The body, checked by this serializer (a `fields.Shape`); raises ValidationError naming every wrong field."""
        reader = shape(data=self.request.data, partial=partial, context={"view": self})
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)

    def query(self, shape: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The query parameters beside `limit` and `cursor`, checked by this serializer."""
        given = {key: value for key, value in self.request.query_params.items() if key not in ("limit", "cursor")}
        if not given:
            return dict(_of_an_empty_query(shape))
        reader = shape(data=given)
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)

    def upload(self, *media_types: str) -> HttpRequest:
        """The raw body, to be read in blocks with `.read(size)`; 415 unless it is of one of these types.

        For resources with `is_repeatable = False`; it may be as large as TULIA_MAX_IMPORT_MB allows.
        """
        sent = (self.request.content_type or "").split(";")[0].strip().lower()
        if sent not in media_types:
            raise UnsupportedMediaType(sent, detail=f"Send the file with Content-Type: {' or '.join(media_types)}.")
        request: HttpRequest = self.request._request
        return request

    def no_query(self) -> None:
        """Refuses query parameters beside `limit` and `cursor`: a misspelt filter must not mean "everything"."""
        self.query(fields.Shape)

    def page_request(self) -> PageRequest:
        return pagination.requested(self.request)

    def page_answer(self, page: Page[T], shape: Callable[[T], Any] | None = None) -> Response:
        """A page of a list; `shape` gives one row's JSON, without it each row is written as it is."""
        return Response(pagination.rendered(self.request, page, shape))
