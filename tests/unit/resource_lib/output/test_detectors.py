"""Personal data and secrets in free text: nothing of them is left, and nothing else is touched."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_lib.output import detectors, hostile

GITHUB = "ghp_" + "0123456789abcdefghij0123456789abcdef"
CARD = "4111 1111 1111 1111"

THINGS = {
    "email": "jane.doe@example.com",
    "card": CARD,
    "iban": "DE89 3704 0044 0532 0130 00",
    "ssn": "078-05-1120",
    "phone": "+1 212 555 0123",
    "ip": "192.0.2.17",
    "secret": GITHUB,
    "address": "12 Elm Street, Springfield, USA",
    "name": "Jane Doe",
    "id": "C-1007",
}


@pytest.mark.requirement("screening:mask:keeps-nothing-of-a-person")
@pytest.mark.parametrize("kind", detectors.KINDS)
def test_a_mask_of_a_mask_is_the_same_mask_and_no_detector_takes_it_for_the_thing(kind):
    """C34: what was masked once, by the schema, passes the detectors of free text as well."""
    once = detectors.masked(kind, THINGS[kind])

    assert once == detectors.masked(kind, once)
    assert (once, {}) == detectors.redacted(once)
    assert THINGS[kind] not in once


@pytest.mark.requirement("screening:mask:keeps-nothing-of-a-person")
@pytest.mark.parametrize(
    ("kind", "value", "mask"),
    [
        ("email", "jane@example.com", "user***@***.com"),
        ("email", "j@firma.de", "user***@***.de"),
        ("email", "j@only-one-person.jane", "user***@***.***"),
        ("card", CARD, "**** **** **** ****"),
        ("address", "12 Elm Street, Springfield, USA", "Springfield, USA"),
        ("address", "Elm Street 12, 10115 Berlin, Germany", "Berlin, Germany"),
        ("address", "Hauptstraße, Deutschland", "***, Deutschland"),
        ("address", "12 Elm Street", "***"),
        ("address", "Jane Doe, 12 Elm Street, Springfield", "***"),
        ("nothing we know", "Jane", "***"),
    ],
)
def test_no_last_four_digits_no_street_no_letter_of_a_name_is_left(kind, value, mask):
    """C34: city and country only, and of an unknown kind nothing."""
    assert mask == detectors.masked(kind, value)


@pytest.mark.requirement("screening:redaction:is-stable")
@given(
    st.lists(
        st.sampled_from([*THINGS.values(), " ", ",", ":", "x", "=", "@", "%40", "password", '"', "{", "\u200b", "é"]),
        max_size=12,
    )
)
def test_what_is_redacted_twice_is_redacted_once(parts):
    """Ours: a result passes more than one channel, and a mask that changes is a mask that is read."""
    once, _ = detectors.redacted("".join(parts))

    assert (once, {}) == detectors.redacted(once)


@pytest.mark.requirement("screening:redaction:touches-nothing-else")
@pytest.mark.parametrize(
    "text", ["", "shipped", "A-1001", "6f1c2a7e-2b7e-4c1d-9a39-5f9f3f1b2a10", "2026-01-01T12:00:00Z", "Grüße aus 東京"]
)
def test_a_text_without_anything_in_it_is_the_same_object(text):
    """Ours: the server's own bytes leave where nothing was found."""
    shown, counts = detectors.redacted(text)

    assert shown is text
    assert {} == counts


@pytest.mark.requirement("screening:redaction:secrets-always")
def test_whoever_may_see_personal_data_may_not_see_secrets():
    """C34: `include_pii` is about people."""
    shown, counts = detectors.redacted(f"jane@example.com uses {GITHUB}", personal=False)

    assert "jane@example.com uses [secret]" == shown
    assert {"github_token": 1} == counts


@pytest.mark.requirement("screening:redaction:disguises")
@pytest.mark.parametrize(
    "text",
    [
        f"{GITHUB[:2]}\u200b{GITHUB[2:]}",
        f"{GITHUB[:2]}\U000e0041{GITHUB[2:]}",
        f"\x1b[1m{GITHUB[:9]}\x1b[0m{GITHUB[9:]}",
        "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in GITHUB),
        GITHUB.replace("_", "&#95;"),
        GITHUB.replace("_", "\\u005f"),
        f"q={GITHUB.replace('_', '%5F')}",
        f"q={GITHUB.replace('_', '%255f')}",
        json.dumps({"note": json.dumps({"inner": GITHUB})}),
    ],
    ids=[
        "zero-width",
        "tag",
        "escape",
        "full-width",
        "entity",
        "unicode-escape",
        "percent",
        "percent-twice",
        "json-in-json",
    ],
)
def test_a_disguised_secret_is_found(text):
    """LG-05: what a reader, a terminal or a parser undoes, is undone here first."""
    shown, counts = detectors.redacted(text)

    assert GITHUB[-16:] not in shown
    assert {"github_token": 1} == counts


@pytest.mark.requirement("screening:redaction:disguises")
@pytest.mark.parametrize("thing", [GITHUB, "jane.doe@example.com", CARD])
@pytest.mark.parametrize(
    ("before", "inside", "after"),
    [
        ("", "<|x|>", ""), ("", "<!-- -->", ""), ("", "[INST]", ""), ("<!-- ", "", " -->"), ("<!-- ", "", ""), ("**", "", "**"), ("_", "", "_"),
        ("`", "", "`"), ("<b>", "", "</b>"), ("“", "", "”"), ("是", "", "的"), ("👍", "", "👍"), ("\u00a0", "", "\u00a0"), ("|", "", "|"), ("/", "", "/"), ("\\", "", "\\"),
    ],
)  # fmt: skip
def test_what_is_removed_later_and_what_stands_around_hides_nothing(thing, before, inside, after):
    """Ours: the delimiter that `plain` takes out must not put a secret together again that redaction saw in two halves."""
    shown = detectors.redacted(f"see {before}{thing[:6]}{inside}{thing[6:]}{after} there")[0]

    for text in (shown, hostile.plain(shown)):
        assert thing[:6] not in text
        assert thing[6:] not in text


@pytest.mark.requirement("screening:redaction:disguises")
def test_a_secret_in_base64_takes_the_whole_run_with_it():
    """LG-05: of what is encoded no half can be shown; once and twice over."""
    import base64

    once = base64.b64encode(f"the key is {GITHUB}".encode()).decode()
    twice = base64.b64encode(once.encode()).decode()

    assert "see [secret]" == detectors.redacted(f"see {once}")[0]
    assert "see [secret]" == detectors.redacted(f"see {twice}")[0]


@pytest.mark.requirement("screening:redaction:names")
@pytest.mark.parametrize(
    "name",
    [
        "password",
        "PASSWORD",
        "apiKey",
        "API-KEY",
        "x_api_key",
        "clientSecret",
        "AWS_SECRET_ACCESS_KEY",
        "Set-Cookie",
        "\uff50assword",
        "db.password",
        "Passwort",
        "密码",
        "authorization",
        "refresh_token",
    ],
)
def test_what_stands_under_the_name_of_a_secret_is_masked_at_any_depth(name):
    """LG-05: whatever it looks like, in any spelling of the name, below lists and objects and in JSON inside a text."""
    value = {"a": [{"b": {name: "tulip"}}, {name: ["rose", {"deep": "oak"}]}]}
    hidden = {"a": [{"b": {name: "[secret]"}}, {name: ["[secret]", {"deep": "[secret]"}]}]}

    assert (hidden, {"named": 3}) == detectors.redacted_value(value)
    assert hidden == json.loads(detectors.redacted(json.dumps(value))[0])


@pytest.mark.requirement("screening:redaction:names")
@pytest.mark.parametrize(
    "name",
    [
        "token_type",
        "max_tokens",
        "nextPageToken",
        "password_changed_at",
        "key",
        "author",
        "primary_key",
        "has_password",
        "sort_key",
        "secretary",
        "tokenizer",
    ],
)
def test_what_a_name_says_about_a_secret_is_none(name):
    """Ours: a page token that is masked ends every listing."""
    value = {name: "tulip"}

    assert value is detectors.redacted_value(value)[0]


@pytest.mark.requirement("screening:redaction:names")
def test_a_number_is_a_secret_where_secrets_are_numbers():
    """Ours: a PIN is one, a count of tokens is none."""
    shown, _ = detectors.redacted_value({"pin": 4321, "password": 99, "tokens": 153, "enabled": True})

    assert {"pin": 0, "password": 0, "tokens": 153, "enabled": True} == shown


@pytest.mark.requirement("screening:redaction:disguises")
def test_a_secret_that_is_split_over_a_list_is_masked_in_all_its_pieces():
    """LG-05: the items are read joined; cards are not, because lists of numbers are lists of numbers."""
    shown, counts = detectors.redacted_value(["note", GITHUB[:3], GITHUB[3:18], GITHUB[18:]])

    assert ["note", "[secret]", "[secret]", "[secret]"] == shown
    assert {"github_token": 1} == counts


@pytest.mark.requirement("screening:redaction:names")
def test_two_names_with_one_mask_stay_two_members():
    """Ours: redaction loses no member, and leaks none in its name."""
    shown, _ = detectors.redacted_value({"a@example.com": 1, "b@example.com": 2})

    assert {"user***@***.com": 1, "user***@***.com (1)": 2} == shown


@pytest.mark.requirement("screening:redaction:names")
def test_what_is_nested_too_deeply_to_look_into_does_not_leave():
    """Ours: fail closed, and without a recursion error."""
    deep = "jane@example.com"
    for _ in range(5000):
        deep = [deep]

    assert "jane" not in repr_of(detectors.redacted_value(deep)[0])


def repr_of(value):
    while isinstance(value, list):
        value = value[0]
    return value


@pytest.mark.requirement("screening:redaction:is-stable")
def test_a_chain_that_frees_one_thing_with_each_mask_leaves_nothing():
    """Ours: found by generated texts; numbers glued to accounts, forty of each."""
    shown, _ = detectors.redacted((THINGS["phone"] + THINGS["iban"]) * 40)

    assert "[redacted]" == shown


@pytest.mark.requirement("screening:redaction:touches-nothing-else")
@pytest.mark.parametrize("between", [" ", ", ", "\n", " and ", " 2 ", " AB12 "])
@pytest.mark.parametrize(
    "thing", ["4111111111111111", CARD, THINGS["iban"], "192.0.2.17", "jane@example.com", "+1 212 555 0123"]
)
def test_one_thing_beside_another_hides_none(thing, between):
    """Ours: nine in a row are nine, whatever stands between them."""
    shown, _ = detectors.redacted(between.join([thing] * 9))

    assert thing[-8:] not in shown
    assert thing[:8] not in shown
