"""The people on the other side: who they are follows from their phone number alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from whatsapp_simulator.draws import Draws

_NAMES = (
    "Amina", "Brian", "Chidi", "Diana", "Esther", "Faith", "Grace", "Hassan", "Irene", "Juma", "Kamau", "Lúcia",
    "Mercy", "Njeri", "Otieno", "Priya", "Quincy", "Rahel", "Samuel", "Thandi", "Uchenna", "Víctor", "Wanjiku",
    "Xolani", "Yusuf", "Zawadi",
)  # fmt: skip

# Calling code → ISO country, longest prefix first; the user ids of people carry the country.
_COUNTRIES = {
    "251": "ET", "254": "KE", "255": "TZ", "256": "UG", "250": "RW", "233": "GH", "234": "NG", "20": "EG", "27": "ZA",
    "31": "NL", "33": "FR", "34": "ES", "39": "IT", "44": "GB", "49": "DE", "52": "MX", "54": "AR", "55": "BR",
    "57": "CO", "60": "MY", "62": "ID", "65": "SG", "91": "IN", "92": "PK", "971": "AE", "966": "SA", "1": "US",
}  # fmt: skip

# Area codes under +1 that are not in the United States (Canada and the Caribbean).
_NOT_US = frozenset(
    [
        "204",
        "226",
        "236",
        "249",
        "250",
        "257",
        "263",
        "289",
        "306",
        "343",
        "354",
        "365",
        "367",
        "368",
        "382",
        "387",
        "403",
        "416",
        "418",
        "428",
        "431",
        "437",
        "438",
        "450",
        "468",
        "474",
        "506",
        "514",
        "519",
        "548",
        "579",
        "581",
        "584",
        "587",
        "604",
        "613",
        "639",
        "647",
        "672",
        "683",
        "705",
        "709",
        "742",
        "753",
        "778",
        "780",
        "782",
        "807",
        "819",
        "825",
        "867",
        "873",
        "879",
        "902",
        "905",
        "942",
        "242",
        "246",
        "264",
        "268",
        "284",
        "345",
        "441",
        "473",
        "649",
        "658",
        "664",
        "721",
        "758",
        "767",
        "784",
        "809",
        "829",
        "849",
        "868",
        "869",
        "876",
    ]
)


@dataclass(frozen=True, slots=True)
class Person:
    """A WhatsApp user: `wa_id` is the phone number in digits (empty when only the user id is known)."""

    wa_id: str
    user_id: str
    name: str


@lru_cache(maxsize=65536)
def person(key: str) -> Person:
    """The person behind a phone number in digits or a business-scoped user id (``KE.1349…``)."""
    draws = Draws(0, "person", key)
    name = draws.choice("name", _NAMES)
    if is_user_id(key):
        return Person("", key, name)
    digits = str(int.from_bytes(draws.raw("user id")[:8], "big")).zfill(20)
    return Person(key, f"{country(key)}.{digits}", name)


def is_user_id(key: str) -> bool:
    """Whether `key` is a business-scoped user id rather than digits of a phone number."""
    return len(key) > 3 and key[2] == "." and key[:2].isalpha() and key[:2].isupper() and key[3:].isalnum()


def country(wa_id: str) -> str:
    """ISO country of a phone number in digits; ``ZZ`` when its calling code is not in the table."""
    for size in (3, 2, 1):
        found = _COUNTRIES.get(wa_id[:size])
        if found:
            return "CA" if found == "US" and not is_us(wa_id) else found
    return "ZZ"


def is_us(wa_id: str) -> bool:
    """Whether the number is a United States one; marketing messages never reach those."""
    return len(wa_id) == 11 and wa_id[0] == "1" and wa_id[1:4] not in _NOT_US
