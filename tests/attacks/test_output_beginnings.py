"""Whoever puts a flood before a secret neither makes the guard read for ever nor gets half of the secret."""

import json

import pytest

from resource_lib.output import WithheldError, cleaned
from resource_lib.output.beginnings import BEGINNING, MOST, NEVER_LEAVES
from resource_lib.output.cutting import MARK, TRUNCATED
from tests.attacks.test_output_padding import leaving, texts

TOKEN = "ghp_" + "aZ0bY1cX2d" * 4
CARD = "4111 1111 1111 1111"
UNSEEN = "\u200b"


def lines(size: int) -> str:
    return "".join(f"line {number}: all is well\n" for number in range(size // 20))


@pytest.mark.requirement("output:long:only-the-beginning-is-read")
@pytest.mark.parametrize("secret", [TOKEN, CARD], ids=["token", "card"])
@pytest.mark.parametrize("place", [BEGINNING, BEGINNING - NEVER_LEAVES])
@pytest.mark.parametrize("before", [1, 5, 8, 16])
def test_no_part_of_a_secret_leaves_where_a_text_was_cut_though_nothing_of_the_flood_is_left(secret, place, before):
    """C32, LG-04: what is removed before would bring the place of the cut into sight."""
    flood = "seen" + UNSEEN * (place - before - 5)
    found = cleaned({"content": texts(f"{flood} {secret} {lines(2_000_000)}")}, leaving())

    shown = json.dumps(found)
    assert secret[:5] not in shown.replace("\\u200b", "")
    assert MARK in shown


@pytest.mark.requirement("output:long:only-the-beginning-is-read")
@pytest.mark.parametrize("name", ["content", "contents"])
def test_of_a_log_of_megabytes_its_beginning_leaves_and_says_so(name):
    about = leaving()
    log = lines(3_000_000)
    said = {name: [{**one, "uri": "file:///log"} for one in texts(log, log)]}
    if name == "contents":
        about.tool, about.method = "", "resources/read"
    found = cleaned(said, about)

    assert log[:9_000] == found[name][0]["text"][:9_000]
    assert len(json.dumps(found)) < 12_000
    assert found["_meta"][TRUNCATED] is True


@pytest.mark.requirement("output:long:only-the-beginning-is-read")
def test_what_was_removed_before_an_end_that_nobody_sees_says_that_it_was_cut():
    found = cleaned({"content": texts("seen" + UNSEEN * 300_000 + lines(1_000))}, leaving())

    assert MARK in json.dumps(found)
    assert found["_meta"][TRUNCATED] is True


@pytest.mark.requirement("output:long:only-the-beginning-is-read")
@pytest.mark.parametrize(
    "said",
    [
        {"content": texts(json.dumps([{"note": "x" * 50}] * (MOST // 50)))},
        {"content": [], "structuredContent": {"rows": ["x" * 50] * (MOST // 50 + 1)}},
        {"content": [], "aside": "x" * (MOST + 1)},
    ],
    ids=["JSON in a text", "structure", "beside the content"],
)
def test_what_must_be_read_whole_and_is_longer_than_anybody_reads_does_not_leave(said):
    """LG-04: of half a JSON nobody knows the names."""
    with pytest.raises(WithheldError) as found:
        cleaned(said, leaving())

    assert "Ask for less" in found.value.message
