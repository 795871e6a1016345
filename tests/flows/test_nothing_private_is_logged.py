"""Web and worker on their whole way, also where they fail, write nothing about anybody into their logs."""

from __future__ import annotations

import json
import uuid

from flows.conftest import OpenShop
from live_installation import Installation

NAME, PHONE, CITY = "Zuhura Kiprotich", "+254712009137", "Kakamega-Town"
WORDS = "Pssst mangoes for you"
PASSWORD = "a password nobody should read"
TOKEN = "access-token-of-another-sender"


def test_no_name_number_text_key_or_secret_is_in_any_log(installation: Installation, open_shop: OpenShop) -> None:
    shop = open_shop(customers=2)
    person = {
        "phone": PHONE, "name": NAME, "attributes": {"city": CITY}, "tags": ["vip"], "consent_promotional": True,
    }  # fmt: skip
    made = shop.call("POST", "/v1/customers", person)
    assert made.status_code == 201
    shop.call("POST", "/v1/customers", person)
    shop.call("POST", "/v1/customers", person | {"phone": f"{PHONE}99999"})
    file = f"phone,name\n{PHONE},{NAME}\n{PHONE}xx,{NAME}\n".encode()
    shop.call("POST", "/v1/customers/import", file, content_type="text/csv")
    shop.call("GET", f"/v1/customers?q={NAME}")
    email = f"{uuid.uuid4().hex}@private.example"
    member = {"email": email, "name": NAME, "role": "analyst", "password": PASSWORD}
    assert shop.call("POST", "/v1/members", member).status_code == 201
    made_key = shop.call("POST", "/v1/api-keys", {"name": "n", "role": "analyst"}).json()["api_key"]
    sender = {
        "name": "Other", "phone_number_id": "77", "access_token": TOKEN, "app_secret": "sss-secret",
        "verify_token": "vvv-secret",
    }  # fmt: skip
    assert shop.call("POST", "/v1/senders", sender).status_code == 201
    shop.call("POST", "/v1/campaigns", b'{"name": "' + NAME.encode() + b'"')
    said = {
        "from": PHONE[1:],
        "id": f"wamid.{uuid.uuid4().hex}",
        "timestamp": "1",
        "type": "text",
        "text": {"body": WORDS},
    }
    assert shop.callback({"messages": [said]}).status_code == 200
    assert shop.callback({"messages": [said]}, secret="wrong").status_code == 401
    campaign = shop.make(message_content=WORDS + " {{ customer_name }}")
    shop.execute(campaign)
    shop.until(campaign)
    shop.drain_provider()
    shop.call("GET", "/v1/customers", Authorization="Bearer tulia_" + "guess" * 9)
    shop.call("DELETE", f"/v1/customers/{made.json()['id']}")
    for name in ("web", "worker"):
        text = (installation.logs / f"{name}.log").read_text()
        for private in (NAME, "Zuhura", PHONE[1:], PHONE[4:], CITY, WORDS, "Person 0", email, PASSWORD):
            assert private not in text, f"{name}: {private}"
        for secret in (
            shop.key,
            made_key,
            TOKEN,
            "sss-secret",
            "vvv-secret",
            "guessguess",
            f"token-{shop.phone_number_id}",
        ):
            assert secret not in text, f"{name}: {secret[:12]}"
    assert "audience_frozen" in (installation.logs / "worker.log").read_text(), "and yet something is logged"


def test_what_is_kept_secret_is_not_to_be_read_in_the_database(open_shop: OpenShop) -> None:
    from tulia.core import sql
    from tulia.tenants.scope import tenant_scope

    shop = open_shop()
    key = shop.call("POST", "/v1/api-keys", {"name": "n", "role": "analyst"}, Idempotency_Key=uuid.uuid4().hex)
    secrets = (shop.key, key.json()["api_key"], f"token-{shop.phone_number_id}")
    having_tenants = "SELECT table_name FROM information_schema.columns WHERE column_name = 'tenant_id'"
    tables = [str(row[0]) for row in sql.fetch_all(having_tenants)]
    assert {"api_keys", "senders", "audit_entries", "idempotent_requests"} <= set(tables)
    with tenant_scope(shop.tenant_id):
        stored = json.dumps([sql.fetch_all(f"SELECT row_to_json(t)::text FROM {table} t") for table in tables])
    assert str(shop.tenant_id) in stored
    for secret in secrets:
        assert secret not in stored
