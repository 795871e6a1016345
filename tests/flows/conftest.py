from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

import installation as installations
from flows.shop import APP_SECRET, VERIFY_TOKEN, Shop
from installation import Installation, fetch

OpenShop = Callable[..., Shop]


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installations.running(tmp_path_factory.mktemp("installation")) as running:
        yield running


@pytest.fixture
def open_shop(installation: Installation) -> OpenShop:
    """Makes a tenant with `customers` people tagged vip (the first `consenting` of them agree), and a sender."""

    def open_it(
        *, customers: int = 0, consenting: int | None = None, rate: int = 5_000, suffix: Callable[[int], int] | None = None
    ) -> Shop:
        from tulia.audience.models import Customer, CustomerTag
        from tulia.channels import senders
        from tulia.tenants import access, accounts, api_keys
        from tulia.tenants.scope import tenant_scope

        slug = f"shop-{uuid.uuid4().hex[:10]}"
        tenant = accounts.create_tenant(slug, name=slug, tier="enterprise")
        key = api_keys.create(tenant.id, name="test", scopes=access.SCOPES)
        number = str(uuid.uuid4().int % 10**15)
        with tenant_scope(tenant.id):
            sender = senders.create(
                tenant.id, kind="whatsapp_cloud", name="Main", external_id=number, access_token=f"token-{number}",
                app_secret=APP_SECRET, verify_token=VERIFY_TOKEN, base_url=installation.simulator_url,
                rate_per_second=rate,
            )  # fmt: skip
            agreeing = customers if consenting is None else consenting
            people = Customer.objects.bulk_create(
                Customer(
                    tenant=tenant, external_id=f"C{i:06d}", name=f"Person {i}", language="en", country="KE",
                    phone=f"+25470{suffix(i) if suffix else 1_000 + i * 10_000 // 10_000 + i:07d}",
                    consents_promotional=i < agreeing,
                )
                for i in range(customers)
            )  # fmt: skip
            CustomerTag.objects.bulk_create(CustomerTag(tenant=tenant, tag="vip", customer=person) for person in people)
        fetch(
            f"{installation.simulator_url}/_sim/numbers",
            {
                "phone_number_id": number,
                "display_phone_number": "254711000000",
                "access_token": f"token-{number}",
                "app_secret": APP_SECRET,
                "callback_url": f"{installation.web_url}/v1/webhooks/whatsapp/{sender.pk}",
                "verify_token": VERIFY_TOKEN,
                "rate": 0,
            },
        )
        return Shop(installation, tenant.id, slug, key, str(sender.pk), number)

    return open_it
