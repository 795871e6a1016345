import json
import time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.whatsapp_cloud.callback_bodies import (
    AT,
    CONTACT,
    INSTANT,
    OURS,
    envelope,
    message,
    one_message,
    parse,
    preference,
    sign,
    status,
)
from tulia.channels.types import FailureKind, InboundMessage, PreferenceChange, Status, StatusUpdate
from tulia.channels.whatsapp_cloud import callback


@pytest.mark.parametrize("name", list(Status))
def test_a_status_carries_its_instant_and_our_reference(name: Status) -> None:
    content = parse(envelope({"statuses": [status(status=name.value)]}))
    (update,) = content.statuses
    assert (update.message_id, update.status, update.at, update.reference) == ("wamid.1", name, INSTANT, "r1")
    assert (update.failure is not None) == (name is Status.FAILED)


def test_a_failed_status_says_why() -> None:
    errors = [{"code": 131049, "title": "t", "message": "t", "error_data": {"details": "In order to…"}}]
    (update,) = parse(envelope({"statuses": [status(status="failed", errors=errors)]})).statuses
    assert update.failure is not None
    assert (update.failure.kind, update.failure.code) == (FailureKind.RECIPIENT, "131049")


@pytest.mark.parametrize("errors", [None, [], {}, [{"title": "no code"}], ["x"]])
def test_a_failed_status_without_a_reason_still_counts_as_failed(errors: object) -> None:
    (update,) = parse(envelope({"statuses": [status(status="failed", errors=errors)]})).statuses
    assert update.failure is not None
    assert update.failure.code == "unknown"


def test_a_status_without_our_reference_has_none() -> None:
    for value in (None, "", 5):
        (update,) = parse(envelope({"statuses": [status(biz_opaque_callback_data=value)]})).statuses
        assert update.reference is None


def test_status_names_we_have_no_use_for_are_ignored_and_counted() -> None:
    content = parse(envelope({"statuses": [status(status="played"), status(), status(status="warehoused")]}))
    assert (len(content.statuses), content.ignored_count, content.errors) == (1, 2, ())


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("x", "not an object"),
        (None, "not an object"),
        (status(id=None), "no id"),
        (status(id=""), "no id"),
        (status(id=5), "no id"),
        (status(status=None), "no status"),
        (status(status={}), "no status"),
        (status(timestamp=None), "timestamp"),
        (status(timestamp="yesterday"), "timestamp"),
        (status(timestamp=""), "timestamp"),
        (status(timestamp="0"), "timestamp"),
        (status(timestamp=str(AT * 1000)), "timestamp"),
        (status(timestamp="-5"), "timestamp"),
        (status(timestamp="9" * 400), "timestamp"),
        (status(timestamp=1.5), "timestamp"),
        (status(timestamp=True), "timestamp"),
        (status(timestamp="١٧٦٣٨٠٠١٢٣"), "timestamp"),
    ],
)
def test_one_malformed_update_is_noted_with_its_place_and_the_others_are_kept(broken: object, why: str) -> None:
    content = parse(envelope({"statuses": [status(id="a"), broken, status(id="b")]}))
    assert [update.message_id for update in content.statuses] == ["a", "b"]
    (note,) = content.errors
    assert note.startswith("entry[0].changes[0].value.statuses[1]: ")
    assert why in note


def test_updates_of_other_numbers_are_ignored_and_counted() -> None:
    theirs = envelope({"statuses": [status(), status()], "messages": [message(type="text")]}, number="9999")
    ours = envelope({"statuses": [status(id="ours")]})
    template_event = {"field": "account_alerts", "value": {"alert_type": "OTHER"}}
    body = {**ours, "entry": [*theirs["entry"], *ours["entry"], {"id": "WABA", "changes": [template_event]}]}
    content = parse(body)
    assert [update.message_id for update in content.statuses] == ["ours"]
    assert (content.ignored_count, content.errors) == (4, ())


def test_everything_of_many_entries_and_changes_comes_in_order() -> None:
    bodies = [
        envelope(*({"statuses": [status(id=f"{e}.{c}.{s}") for s in range(10)]} for c in range(10))) for e in range(10)
    ]
    content = parse({**bodies[0], "entry": [entry for body in bodies for entry in body["entry"]]})
    assert len(content.statuses) == 1_000
    assert [update.message_id for update in content.statuses] == [
        f"{e}.{c}.{s}" for e in range(10) for c in range(10) for s in range(10)
    ]


def test_what_people_write_and_tap_is_read_by_its_kind() -> None:
    context = {"from": "254711000000", "id": "wamid.OUT"}
    text = one_message(type="text", text={"body": "How much?"}, context=context)
    assert text == InboundMessage(
        message_id="wamid.IN1",
        at=INSTANT,
        phone="+254700000001",
        kind="text",
        text="How much?",
        quoted_message_id="wamid.OUT",
        profile_name="Amina",
    )
    tapped = one_message(type="button", button={"payload": "STOP|c1", "text": "Stop promotions"}, context=context)
    assert (tapped.kind, tapped.text, tapped.payload) == ("button", "Stop promotions", "STOP|c1")
    chosen = one_message(
        type="interactive", interactive={"type": "button_reply", "button_reply": {"id": "am", "title": "Morning"}}
    )
    assert (chosen.kind, chosen.text, chosen.payload, chosen.quoted_message_id) == (
        "interactive",
        "Morning",
        "am",
        None,
    )
    listed = one_message(
        type="interactive", interactive={"type": "list_reply", "list_reply": {"id": "s1", "title": "Nakuru"}}
    )
    assert (listed.text, listed.payload) == ("Nakuru", "s1")
    form = one_message(
        type="interactive",
        interactive={"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"a":1}'}},
    )
    assert (form.text, form.payload) == ("Sent", '{"a":1}')
    reaction = one_message(type="reaction", reaction={"message_id": "wamid.OUT", "emoji": "👍"})
    assert (reaction.kind, reaction.text, reaction.quoted_message_id) == ("reaction", "👍", "wamid.OUT")
    image = one_message(type="image", image={"id": "1", "mime_type": "image/jpeg", "caption": "This one"})
    assert (image.kind, image.text) == ("image", "This one")
    sticker = one_message(type="sticker", sticker={"id": "1"})
    assert (sticker.kind, sticker.text) == ("sticker", "")
    edited = one_message(
        type="edit",
        edit={"original_message_id": "wamid.IN0", "message": {"type": "text", "text": {"body": "STOP"}}},
    )
    assert (edited.kind, edited.text) == ("edit", "STOP")
    unknown = one_message(type="unsupported", errors=[{"code": 131051}])
    assert (unknown.kind, unknown.text) == ("unsupported", "")


@pytest.mark.parametrize(
    "odd", [None, [], "x", {"type": "later"}, {"type": None}, {"type": "button_reply", "button_reply": 1}]
)
def test_a_message_with_odd_content_is_still_a_message(odd: object) -> None:
    assert one_message(type="interactive", interactive=odd).text == ""
    assert one_message(type="text", text=odd).text == ""


@pytest.mark.parametrize("kind", ["system", "revoke"])
def test_notices_about_people_are_not_replies(kind: str) -> None:
    content = parse(envelope({"messages": [message(type=kind, **{kind: {"body": "changed number"}})]}))
    assert (content.messages, content.ignored_count, content.errors) == ((), 1, ())


def test_people_who_hide_their_number_are_known_by_their_user_id() -> None:
    hidden = {"profile": {"name": "Njeri"}, "user_id": "KE.99"}
    body = message(type="text", text={"body": "hi"}, from_user_id="KE.99")
    del body["from"]
    (read,) = parse(envelope({"contacts": [CONTACT, hidden], "messages": [body]})).messages
    assert (read.phone, read.user_id, read.profile_name) == (None, "KE.99", "Njeri")


def test_without_anybody_named_the_only_contact_is_the_sender_and_two_are_nobody() -> None:
    body = message(type="text", text={"body": "hi"})
    del body["from"]
    (read,) = parse(envelope({"contacts": [CONTACT], "messages": [body]})).messages
    assert (read.phone, read.user_id) == ("+254700000001", "KE.13491208655302741918")
    content = parse(envelope({"contacts": [CONTACT, CONTACT], "messages": [body]}))
    assert content.messages == ()
    assert "nobody" in content.errors[0]


@pytest.mark.parametrize("sender", ["0700000001", "abc", "+", 254700000001, ["254700000001"], "2547000000011111"])
def test_a_sender_that_is_no_number_is_noted(sender: object) -> None:
    content = parse(envelope({"messages": [message(type="text", text={"body": "hi"}, **{"from": sender})]}))
    assert content.messages == ()
    assert "no phone number" in content.errors[0]


def test_the_providers_own_stop_and_resume_are_read_with_their_integer_timestamp() -> None:
    updates = [
        preference(),
        preference(value="resume", timestamp=str(AT)),
        preference(value="x"),
        preference(category="y"),
    ]
    content = parse(envelope({"contacts": [CONTACT], "user_preferences": updates}, field="user_preferences"))
    assert content.preferences == (
        PreferenceChange(phone="+254700000001", is_stop=True, at=INSTANT),
        PreferenceChange(phone="+254700000001", is_stop=False, at=INSTANT),
    )
    assert (content.ignored_count, content.errors) == (2, ())


def test_errors_that_the_provider_reports_are_noted() -> None:
    content = parse(envelope({"errors": [{"code": 131016, "title": "Service unavailable"}, {"title": "?"}]}))
    assert "131016" in content.errors[0]
    assert content.errors[1].endswith("an error")


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"null", b"[]", b'"x"', b"{}", b'{"object":"page","entry":[]}', b'{"object":"whatsapp_business_account"}',
     b'{"object":"whatsapp_business_account","entry":{}}', b'{"object":"whatsapp_business_account","entry":[],"x":NaN}',
     b"[" * 100_000, b"\xff\xfe", b"<html>"],
)  # fmt: skip
def test_what_is_no_callback_is_refused(raw: bytes) -> None:
    with pytest.raises(callback.CallbackInvalid):
        parse(raw)


@pytest.mark.parametrize(
    "entry", [None, {}, {"changes": None}, {"changes": [None]}, {"changes": [{"field": "messages"}]}]
)
def test_a_malformed_entry_is_noted_and_the_next_is_read(entry: object) -> None:
    good = envelope({"statuses": [status()]})
    content = parse({**good, "entry": [entry, *good["entry"]]})
    assert len(content.statuses) == 1
    assert len(content.errors) == 1


@pytest.mark.parametrize("text", ["a\\u0000b", "a\\ud800b", "a\\u0000\\udc00b\\ud83d\\udc4d"])
def test_text_that_a_database_cannot_store_is_made_storable(text: str) -> None:
    body = json.dumps(envelope({"messages": [message(type="text", text={"body": "@"})]})).replace("@", text)
    (read,) = parse(body.encode()).messages
    assert "\x00" not in read.text
    assert read.text.encode("utf-8")
    assert read.text[0] == "a"
    assert "b" in read.text
    assert read.text.endswith("👍") or "d83d" not in text


def test_broken_utf8_in_one_text_does_not_lose_the_rest() -> None:
    raw = json.dumps(
        envelope({"messages": [message(type="text", text={"body": "@"})], "statuses": [status()]})
    ).encode()
    content = parse(raw.replace(b"@", b"\xff"))
    assert content.messages[0].text == "\ufffd"
    assert len(content.statuses) == 1


def test_only_the_exact_signature_in_its_documented_form_is_taken() -> None:
    raw = b'{"a":"\\u00e9"}'
    right = sign(raw)
    assert callback.verify_signature(raw, right, app_secret="s3cret")
    wrong = [
        None,
        "",
        right[7:],
        right.upper(),
        right.replace("sha256", "sha1"),
        right + "0",
        " " + right,
        right + "\n",
    ]
    wrong += [right[:-1], sign(raw, "other"), sign(raw + b" "), "sha256=" + "é" * 64, "sha256=\ud800"]
    for header in wrong:
        assert not callback.verify_signature(raw, header, app_secret="s3cret"), header


def test_an_empty_secret_signs_nothing() -> None:
    assert not callback.verify_signature(b"{}", sign(b"{}", ""), app_secret="")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=8)
    | st.sampled_from(["text", str(AT), "read"]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "from", "type", "text", "status", "timestamp", "errors", "context", "contacts", "value"]
            ),
            children,
            max_size=5,
        )
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(json_values, max_size=3), st.lists(json_values, max_size=3), st.lists(json_values, max_size=2), json_values
)
def test_any_json_in_place_of_updates_is_read_noted_or_ignored(
    statuses: list[Any], messages: list[Any], preferences: list[Any], contacts: Any
) -> None:
    body = envelope({"statuses": statuses, "messages": messages, "user_preferences": preferences, "contacts": contacts})
    content = parse(orjson.dumps(body))
    read = len(content.statuses) + len(content.messages) + len(content.preferences)
    assert read + content.ignored_count + len(content.errors) == len(statuses) + len(messages) + len(preferences)


def test_a_hundred_statuses_are_read_in_a_fraction_of_a_millisecond_each() -> None:
    raw = orjson.dumps(envelope({"statuses": [status(id=f"wamid.{n}") for n in range(100)]}))
    started = time.perf_counter()
    for _ in range(20):
        assert isinstance(callback.parse(raw, phone_number_id=OURS).statuses[0], StatusUpdate)
    # 100,000 a second is the aim and 400,000 was measured; a busy machine gets a wide margin.
    assert time.perf_counter() - started < 2_000 / 20_000
