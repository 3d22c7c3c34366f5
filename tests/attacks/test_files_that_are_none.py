"""What stands where a file should and is no base64, or only to some readers, is looked through like any text."""

import base64

import pytest

from tests.attacks.test_no_channel_leaks import KEY, MAIL, leaks
from tests.support.answering import Shown, text_of

INSIDE = base64.b64encode(f"write to {MAIL} about {KEY}".encode()).decode()
FILES = {
    "plain words": f"mail {MAIL} {KEY} now!",
    "an address": MAIL,
    "a key, which is of the letters of base64": KEY,
    "letters that are none": f"{MAIL} \u00e9",
    "without padding": INSIDE.rstrip("="),
    "with what some readers pass over": ".".join(INSIDE),
    "of both alphabets": INSIDE.replace("/", "_"),
    "on several lines": "\r\n".join(INSIDE[at : at + 20] for at in range(0, len(INSIDE), 20)),
}
PLACES = {
    "resource": lambda said: {"type": "resource", "resource": {"uri": "a:b", "blob": said}},
    "image": lambda said: {"type": "image", "mimeType": "image/png", "data": said},
    "unknown block": lambda said: {"type": "novel", "blob": said},
    "meta": lambda said: {"type": "text", "text": "", "_meta": {"blob": said}},
}


@pytest.mark.requirement("output:no-channel-leaks:files-that-are-none")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("file", FILES)
async def test_what_is_no_file_leaks_nothing_in_the_place_of_one(file, place):
    """C34: a program that decodes nothing shows its words; one that decodes what it can shows those."""
    answer = await Shown().see({"content": [PLACES[place](FILES[file])], "structuredContent": {"customers": []}})

    assert [] == leaks(answer)
    assert INSIDE[:16] not in text_of(answer).replace(".", "").replace("\r\n", "")


@pytest.mark.requirement("output:no-channel-leaks:files-that-are-none")
async def test_a_picture_and_a_harmless_file_leave_as_they_are():
    """C34: whoever sends files is no worse for it."""
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4).decode()
    told = base64.b64encode(b"three lamps").decode()
    content = [PLACES["image"](picture), PLACES["resource"](told), PLACES["resource"](picture.rstrip("="))]

    answer = await Shown().see({"content": content, "structuredContent": {"customers": []}})

    assert content == answer.json["result"]["content"]


@pytest.mark.requirement("output:no-channel-leaks:files-that-are-none")
async def test_a_small_file_that_names_somebody_is_masked_inside():
    """C34: it stays a file."""
    told = base64.b64encode(f"to {MAIL}".encode()).decode()

    answer = await Shown().see({"content": [PLACES["resource"](told)], "structuredContent": {"customers": []}})

    inside = base64.b64decode(answer.json["result"]["content"][0]["resource"]["blob"], validate=True).decode()
    assert "to user***@***.example" == inside
