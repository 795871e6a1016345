"""Files of customers go in whole, again and again, and every bad line is named."""

from __future__ import annotations

import gzip
import io
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection

from tulia.audience import consent, imports, reach
from tulia.audience.criteria_tree import Criteria
from tulia.audience.imports import ImportResult
from tulia.audience.models import ConsentChange, Customer, CustomerTag
from tulia.core import sql
from tulia.core.errors import Invalid
from tulia.tenants import accounts
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

HEADER = "external_id,phone,name,tags,language,timezone,consent_promotional,country,attributes.age,attributes.city\n"
ASHA = "A1,0712 000001,Asha,vip;new,sw,Africa/Nairobi,true,KE,31,Nairobi\n"
BARAKA = 'A2,+254712000002,"Baraka, ""B""",,,,false,,007,\n'


def put(tenant: Tenant, text: str | bytes, *, batch_lines: int = 20_000) -> ImportResult:
    raw = text.encode() if isinstance(text, str) else text
    return imports.run(tenant.id, "customers", io.BytesIO(raw), actor="Asha", batch_lines=batch_lines)


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return result.created, result.updated, result.rejected, result.unchanged


def stored(tenant: Tenant) -> dict[str, Customer]:
    with tenant_scope(tenant.id):
        return {customer.phone: customer for customer in Customer.objects.filter(deleted_at=None)}


def tags_of(tenant: Tenant, external_id: str) -> set[str]:
    with tenant_scope(tenant.id):
        return set(CustomerTag.objects.filter(customer__external_id=external_id).values_list("tag", flat=True))


def test_a_file_becomes_customers_with_typed_attributes_tags_and_consent_history(tenant: Tenant) -> None:
    assert counts(put(tenant, HEADER + ASHA + BARAKA)) == (2, 0, 0, 0)
    people = stored(tenant)
    asha, baraka = people["+254712000001"], people["+254712000002"]
    assert (asha.external_id, asha.name, asha.language, asha.country) == ("A1", "Asha", "sw", "KE")
    assert asha.attributes == {"age": 31, "city": "Nairobi"}
    assert (asha.consents_promotional, baraka.consents_promotional) == (True, False)
    assert baraka.name == 'Baraka, "B"'
    assert baraka.country == "KE"  # the file doesn't say; the phone does
    assert baraka.attributes == {"age": "007"}
    assert tags_of(tenant, "A1") == {"vip", "new"}
    with tenant_scope(tenant.id):
        line = ConsentChange.objects.get()
    assert (line.customer_id, line.new_value, line.source, line.actor, line.reason) == (
        asha.id, True, "tenant_updated", "Asha", "import",
    )  # fmt: skip


def test_importing_the_same_file_again_touches_no_row(tenant: Tenant) -> None:
    put(tenant, HEADER + ASHA + BARAKA)
    versions = "SELECT xmin::text, ctid::text FROM customers UNION ALL SELECT xmin::text, ctid::text FROM customer_tags"
    with tenant_scope(tenant.id):
        before = sorted(sql.fetch_all(versions))
    assert counts(put(tenant, HEADER + ASHA + BARAKA)) == (0, 0, 0, 2)
    with tenant_scope(tenant.id):
        assert sorted(sql.fetch_all(versions)) == before
        assert ConsentChange.objects.count() == 1


def test_an_absent_column_leaves_the_value_and_an_empty_cell_clears_it(tenant: Tenant) -> None:
    put(tenant, HEADER + ASHA)
    result = put(tenant, "external_id,phone,name,tags,attributes.city\nA1,+254712000001,,,\n")
    assert counts(result) == (0, 1, 0, 0)
    asha = stored(tenant)["+254712000001"]
    assert (asha.name, asha.language, asha.attributes) == ("", "sw", {"age": 31})
    assert asha.consents_promotional is True
    assert tags_of(tenant, "A1") == set()


def test_tags_alone_can_change(tenant: Tenant) -> None:
    put(tenant, HEADER + ASHA)
    assert counts(put(tenant, "phone,tags\n+254712000001,vip;gold\n")) == (0, 1, 0, 0)
    assert tags_of(tenant, "A1") == {"vip", "gold"}


def test_a_customer_who_said_stop_is_not_opted_in_again_by_a_file(tenant: Tenant) -> None:
    put(tenant, HEADER + ASHA)
    with tenant_scope(tenant.id):
        consent.withdraw(
            tenant.id, ["+254712000001"], at=datetime.now(UTC), source="customer_initiated", actor="c", reason="STOP"
        )
    assert counts(put(tenant, HEADER + ASHA)) == (0, 0, 0, 1)
    assert stored(tenant)["+254712000001"].consents_promotional is False


def test_a_file_may_withdraw_and_the_business_may_grant_again(tenant: Tenant) -> None:
    put(tenant, HEADER + ASHA)
    assert put(tenant, "phone,consent_promotional\n+254712000001,false\n").updated == 1
    assert stored(tenant)["+254712000001"].consents_promotional is False
    assert put(tenant, "phone,consent_promotional\n+254712000001,TRUE\n").updated == 1
    with tenant_scope(tenant.id):
        changes = ConsentChange.objects.order_by("id").values_list("old_value", "new_value")
        assert list(changes) == [(None, True), (True, False), (False, True)]


@pytest.mark.parametrize("batch_lines", [1, 2, 100])
def test_the_last_line_about_a_person_wins_wherever_batches_end(tenant: Tenant, batch_lines: int) -> None:
    text = "external_id,phone,name\nA1,+254712000001,One\nA2,+254712000002,Two\nA1,+254712000003,Three\n"
    result = put(tenant, text, batch_lines=batch_lines)
    assert (result.created, result.rejected, result.updated + result.unchanged) == (2, 0, 1)
    assert {phone: person.name for phone, person in stored(tenant).items()} == {
        "+254712000003": "Three",
        "+254712000002": "Two",
    }


@pytest.mark.parametrize("batch_lines", [1, 2, 100])
def test_a_phone_under_two_external_ids_is_rejected_the_second_time(tenant: Tenant, batch_lines: int) -> None:
    text = "external_id,phone\nA1,+254712000001\nA2,+254712000001\nA3,+254712000003\nA3,0712000001\n"
    result = put(tenant, text, batch_lines=batch_lines)
    assert [(fault.line, fault.error) for fault in result.errors] == [
        (3, "phone +254712000001 belongs to the customer with external_id A1 already"),
        (5, "phone +254712000001 belongs to the customer with external_id A1 already"),
    ]
    assert result.created == 2


def test_a_known_person_may_change_phone_and_another_take_it_in_the_same_file(tenant: Tenant) -> None:
    put(tenant, "external_id,phone\nA1,+254712000001\nA2,+254712000002\n")
    moved = "external_id,phone\nA1,+254712000009\nA3,+254712000001\nA2,+254712000002\n"
    assert counts(put(tenant, moved)) == (1, 1, 0, 1)
    assert {phone: person.external_id for phone, person in stored(tenant).items()} == {
        "+254712000009": "A1",
        "+254712000001": "A3",
        "+254712000002": "A2",
    }
    assert counts(put(tenant, moved)) == (0, 0, 0, 3)


def test_two_people_who_swap_phones_are_rejected_and_nothing_breaks(tenant: Tenant) -> None:
    put(tenant, "external_id,phone\nA1,+254712000001\nA2,+254712000002\n")
    result = put(tenant, "external_id,phone\nA1,+254712000002\nA2,+254712000001\n")
    assert counts(result) == (0, 0, 2, 0)


def test_a_person_known_by_phone_alone_gets_the_external_id_of_the_file(tenant: Tenant) -> None:
    put(tenant, "phone\n+254712000001\n")
    assert counts(put(tenant, "external_id,phone\nA1,+254712000001\n")) == (0, 1, 0, 0)
    assert stored(tenant)["+254712000001"].external_id == "A1"
    assert counts(put(tenant, "phone,name\n+254712000001,Asha\n")) == (0, 1, 0, 0)
    assert stored(tenant)["+254712000001"].external_id == "A1"


def test_every_bad_line_is_named_and_the_good_ones_are_kept(tenant: Tenant) -> None:
    text = (
        b"\xef\xbb\xbfphone,name,timezone,consent_promotional,attributes.x\r\n"
        b"+254712000001,Asha,,,\r\n"
        b"12,Short,,,\r\n"
        b"+254712000002,Caf\xe9,,,\r\n"
        b"+254712000003,x,Nowhere/Town,maybe,\r\n"
        b"+254712000004,too,many,cells,1,2\r\n"
        b'+254712000005,"two\nlines",,,\r\n'
        b"\r\n"
        b'+254712000006,"never closed,,,\r\n'
        b"+254712000007,NUL\x00,,,\r\n"
        b"+254712000008,Last,,,"
    )
    result = put(tenant, text)
    assert [fault.line for fault in result.errors] == [3, 4, 5, 6, 10, 11]
    reasons = [fault.error for fault in result.errors]
    assert "phone must be a phone number" in reasons[0]
    assert "UTF-8" in reasons[1]
    assert "timezone must" in reasons[2]
    assert "consent_promotional must be true or false" in reasons[2]
    assert "6 cells" in reasons[3]
    assert "A quoted cell begins here, and line 11 within it can't be read" in reasons[4]
    assert "NUL" in reasons[5]
    assert counts(result) == (3, 0, 6, 0)
    assert set(stored(tenant)) == {"+254712000001", "+254712000005", "+254712000008"}


def test_json_lines_say_the_same_as_a_table(tenant: Tenant) -> None:
    lines: list[object] = [
        {"external_id": 7, "phone": "0712000001", "tags": ["vip"], "attributes": {"age": 31, "zip": "00100"}},
        {"phone": "+254712000002", "name": None, "consent_promotional": True, "attributes.city": "5"},
        {"phone": "+254712000003", "nickname": "x"},
        {"phone": "+254712000004", "attributes": {"nested": {}}},
        {"phone": "+254712000005", "timezone": ["Africa/Nairobi"], "country": {}, "language": 5, "tags": 5},
        ["no object"],
    ]
    text = "\n".join(json.dumps(line) for line in lines) + '\n{"phone": \n\n'
    result = put(tenant, text)
    assert [fault.line for fault in result.errors] == [3, 4, 5, 6, 7]
    people = stored(tenant)
    assert people["+254712000001"].attributes == {"age": 31, "zip": "00100"}
    assert people["+254712000001"].external_id == "7"
    assert people["+254712000002"].attributes == {"city": "5"}
    assert put(tenant, '{"external_id": "7", "phone": "0712000001", "attributes": {"age": null}}').updated == 1
    assert stored(tenant)["+254712000001"].attributes == {"zip": "00100"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "empty"),
        (b"\n\r\n", "empty"),
        (b"external_id,name\nA1,Asha\n", "missing column phone"),
        (b"phone,nickname,colour\n", "unknown column nickname; unknown column colour"),
        (b"phone,attributes.\n", "unknown column attributes."),
        (b"phone,phone\n", "twice"),
        (b"phone;name\n", "commas"),
        (b"PK\x03\x04", "Excel"),
        ("phone\n".encode("utf-16"), "UTF-8"),
        (b"\x1f\x8b\x08broken", "damaged"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_whole(tenant: Tenant, text: bytes, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        put(tenant, text)


def test_compressed_files_are_told_by_their_bytes_and_a_broken_end_is_named(tenant: Tenant) -> None:
    packed = gzip.compress((HEADER + ASHA).encode()) + gzip.compress(BARAKA.encode())
    assert counts(put(tenant, packed)) == (2, 0, 0, 0)
    many = "phone\n" + "".join(f"+2547120{number:05d}\n" for number in range(50_000))
    broken = put(tenant, gzip.compress(many.encode())[:-9])
    assert "breaks off" in broken.errors[-1].error
    assert broken.created > 1_000


def test_a_file_may_come_in_blocks_of_any_size(tenant: Tenant) -> None:
    raw = (HEADER + ASHA + BARAKA).encode()
    result = imports.run(tenant.id, "customers", (raw[at : at + 1] for at in range(len(raw))), actor="x")
    assert counts(result) == (2, 0, 0, 0)


def test_lines_that_are_too_long_and_files_that_are_too_large_are_cut_off(tenant: Tenant) -> None:
    text = "phone,name\n+254712000001," + "x" * 3_000_000 + "\n+254712000002,Asha\n"
    result = put(tenant, text)
    assert [(fault.line, "longer than" in fault.error) for fault in result.errors] == [(2, True)]
    assert result.created == 1
    blocks = [b"phone\n", b"+254712000003\n", b"+254712000004\n", b"+254712000005\n"]
    cut = imports.run(tenant.id, "customers", blocks, actor="x", max_bytes=30)
    assert (cut.created, "more than 30 bytes" in cut.errors[-1].error) == (1, True)


def test_a_quoted_cell_without_an_end_costs_its_own_line_only(tenant: Tenant) -> None:
    result = put(tenant, 'phone,name\n+254712000001,"open\n+254712000002,B\n+254712000003,"a"b\n+254712000004,D\n')
    assert [fault.line for fault in result.errors] == [2, 4]
    assert set(stored(tenant)) == {"+254712000002", "+254712000004"}


def test_at_most_a_thousand_errors_are_listed_and_all_are_counted(tenant: Tenant) -> None:
    result = put(tenant, "phone\n" + "0\n" * 1_500)
    assert (result.rejected, len(result.errors)) == (1_500, 1_000)


def test_memory_stays_flat_because_the_file_is_read_as_it_is_stored(tenant: Tenant) -> None:
    seen: list[int] = []

    def blocks() -> Iterator[bytes]:
        yield b"phone\n"
        for number in range(3):
            with tenant_scope(tenant.id):
                seen.append(Customer.objects.count())
            yield b"".join(b"+2547%08d\n" % (number * 1_000 + at) for at in range(1_000))

    result = imports.run(tenant.id, "customers", blocks(), actor="x", batch_lines=500)
    assert result.created == 3_000
    assert seen[1] >= 500  # stored before the next block was asked for


def test_two_imports_at_once_store_everybody_once(tenant: Tenant) -> None:
    text = ("phone,name\n" + "".join(f"+25471200{number:04d},N{number}\n" for number in range(600))).encode()
    backwards = b"phone,name\n" + b"\n".join(reversed(text.split(b"\n")[1:-1])) + b"\n"
    results: list[ImportResult] = []

    def work(raw: bytes) -> None:
        try:
            results.append(imports.run(tenant.id, "customers", io.BytesIO(raw), actor="x", batch_lines=100))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(raw,)) for raw in (text, backwards)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(result.created for result in results) == 600
    assert sum(result.rejected for result in results) == 0


def test_a_second_large_tenant_is_imported_and_counted_as_fast_as_the_first(tenant: Tenant) -> None:
    """Statistics that know of other tenants only once made minutes of this."""
    lines = "".join(f"X{number},+2547{number:08d},vip;t{number % 7},true\n" for number in range(8_000))
    text = f"external_id,phone,tags,consent_promotional\n{lines}"
    other = accounts.create_tenant(f"o-{tenant.slug}", name="Other", tier="starter")
    put(other, text)
    began = time.monotonic()
    assert put(tenant, text, batch_lines=2_000).created == 8_000
    assert put(tenant, text.replace(",true", ",false").replace("vip", "gold"), batch_lines=2_000).updated == 8_000
    with tenant_scope(tenant.id):
        everyone = Criteria(tags=("gold",), not_=Criteria(tags=("t1",)))
        assert reach.calculate(tenant.id, everyone, as_of=datetime.now(UTC)).total_matching == 6_857
    assert time.monotonic() - began < 30
