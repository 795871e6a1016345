"""The `Idempotency-Key` header of a POST: the first answer is kept for a day and replayed."""

from __future__ import annotations

import hashlib

import orjson
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api import renderers
from tulia.tenants import idempotency
from tulia.tenants.api_keys import Caller
from tulia.tenants.idempotency import Claim, StoredAnswer

HEADER = "Idempotency-Key"


class AlreadyAnswered(Exception):
    """Ends a request early with the answer that was given before."""

    def __init__(self, stored: StoredAnswer) -> None:
        super().__init__()
        self.stored = stored


def begin(request: Request, caller: Caller) -> Claim | None:
    """The claim of this request, None when it carries no key; raises AlreadyAnswered when it is a repetition."""
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST":
        return None
    said = hashlib.sha256(request.get_full_path().encode() + b"\0" + request.body)
    outcome = idempotency.claim(caller.tenant_id, key=key, fingerprint=said.hexdigest())
    if isinstance(outcome, StoredAnswer):
        raise AlreadyAnswered(outcome)
    return outcome


def end(held: Claim, response: Response) -> None:
    """Keeps the answer; but a refusal changed nothing, so its key is free again. A failure of ours may have come after
    the work was done: it is kept, and whoever looks first and takes a new key does it at most once.
    """
    if 400 <= response.status_code < 500:
        idempotency.release(held)
    else:
        idempotency.keep(held, status=response.status_code, body=renderers.dump(response.data).decode())


def replay(stored: StoredAnswer) -> Response:
    return Response(orjson.loads(stored.body), status=stored.status, headers={"Idempotency-Replayed": "true"})
