"""What the schema taught is personal is found again in every other place of the answer, however it is written there."""

import base64
import html
import json
import time
import unicodedata
from urllib.parse import quote, quote_plus, unquote_plus

import pytest

from resource_lib.definition import Definition
from resource_lib.output import Leaving, Output, cleaned

NAME = "José Núñez-Straße"
SECRET = "Schwert&Fisch-42"


def schema_of(annotation):
    return {"type": "object", "properties": {"it": {"type": "string", **annotation}, "more": {}}}


def left(value, annotation, **said):
    """What leaves of a result whose structure holds the value, and that says it elsewhere."""
    tool = {"name": "t", "inputSchema": {}, "outputSchema": schema_of(annotation)}
    leaving = Leaving(settings=Output(taint=None), tool="t", definition=Definition(hash="h", tool=tool))
    return cleaned({"content": [], "structuredContent": {"it": value}, **said}, leaving)


def wide(text):
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)


WRITTEN = {
    "as it is": str,
    "NFD": lambda text: unicodedata.normalize("NFD", text),
    "NFKD": lambda text: unicodedata.normalize("NFKD", text),
    "full-width": wide,
    "upper case": str.upper,
    "title case": str.title,
    "entities": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "entities in hexadecimal": lambda text: "".join(f"&#x000{ord(one):X}" + ";" for one in text),
    "entities with endless zeros": lambda text: (
        f"&#{'0' * 6000}65; " + "".join(f"&#{'0' * 40}{ord(one)};" for one in text)
    ),
    "named entities": lambda text: text.translate({ord("é"): "&eacute;", ord("ú"): "&uacute", ord("&"): "&amp;"}),
    "entities of entities": lambda text: html.escape("".join(f"&#{ord(one)};" for one in text)),
    "escapes": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "escapes of what is no ASCII": lambda text: json.dumps(text)[1:-1],
    "escapes of full-width": lambda text: json.dumps(wide(text))[1:-1],
    "percent": lambda text: quote(text, safe=""),
    "percent in small letters": lambda text: quote(text, safe="").lower(),
    "percent of everything": lambda text: "".join(f"%{one:02X}" for one in text.encode()),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "a form": quote_plus,
    "a form of NFD": lambda text: quote_plus(unicodedata.normalize("NFD", text)),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"deep": [text]})),
    "another sign between": lambda text: text.replace(" ", ",  ").replace("-", "_"),
}
CHANNELS = {
    "a text": lambda said: {"content": [{"type": "text", "text": f"it is ({said}), you know"}]},
    "a resource": lambda said: {"content": [{"type": "resource", "resource": {"uri": "a:b", "text": said}}]},
    "a link": lambda said: {
        "content": [{"type": "resource_link", "uri": f"https://x.example/?a={said}&b=1", "name": "x"}]
    },
    "a file": lambda said: {
        "content": [{"type": "resource", "resource": {"uri": "a:b", "blob": base64.b64encode(said.encode()).decode()}}]
    },
    "meta": lambda said: {"_meta": {"a": {"b": [said]}}},
    "a name of a member": lambda said: {"_meta": {said: 1}},
    "a member of the structure": lambda said: {"structuredContent": {"it": "_", "more": {"deep": [said]}}},
}


def undone(text):
    """A text without any of it, as a patient reader would have it."""
    seen = [text]
    for _ in range(5):
        text = unicodedata.normalize("NFKC", html.unescape(unquote_plus(text)))
        text = text.encode("latin-1", "backslashreplace").decode("unicode_escape", "replace")
        seen.append(text)
    for run in seen[0].replace("\\", '"').split('"'):
        try:
            seen.append(base64.b64decode(run, validate=True).decode())
        except ValueError:
            continue
    return "\n".join(seen).casefold()


@pytest.mark.requirement("output:known-words:however-written")
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize(
    ("value", "annotation"), [(NAME, {"x-pii": "name"}), (SECRET, {"x-secret": True})], ids=["name", "secret"]
)
def test_what_was_masked_is_found_again_however_it_is_written(form, channel, value, annotation):
    """C34, LG-05: another Unicode form, an entity, an escape or a percent sign hides nothing that the answer itself has taught."""
    said = CHANNELS[channel](WRITTEN[form](value))
    if "structuredContent" in said:
        said["structuredContent"]["it"] = value

    seen = undone(json.dumps(left(value, annotation, **said), ensure_ascii=False))

    words = (
        [word.casefold() for word in ("Núñez", "Straße", "José")] if value == NAME else ["schwert&fisch", "fisch-42"]
    )
    assert [] == [word for word in words if word in seen]


@pytest.mark.requirement("output:known-words:words-of-the-protocol")
@pytest.mark.parametrize("secret", ["complete", "text", "content", "user", "data"])
def test_a_secret_that_is_a_word_of_the_protocol_is_masked_where_the_protocol_does_not_say_it(secret):
    """The frame of an answer stays whole: `type`, `role` and names of members are no secret."""
    found = left(
        secret,
        {"x-secret": True},
        content=[{"type": "text", "text": secret}, {"type": "text", "text": json.dumps([secret])}],
        _meta={"a": secret, "b": [secret]},
        resultType="complete",
    )

    assert ["text", "text"] == [block["type"] for block in found["content"]]
    assert "complete" == found["resultType"]
    assert {"a": "[secret]", "b": ["[secret]"]} == found["_meta"]
    assert ["[secret]", '["[secret]"]'] == [block["text"] for block in found["content"]]


@pytest.mark.requirement("output:known-words:own-members")
@pytest.mark.parametrize("name", ["data", "blob"])
def test_what_a_server_calls_base64_stays_what_it_is(name):
    """What stands for a text file while the steps look can be written by no server."""
    own = {name: {"base64": "hi\u200b there"}}

    found = left("Jane Doe", {"x-pii": "name"}, _meta=own, content=[{"type": "novel", **own}])

    assert {name: {"base64": "hi there"}} == found["_meta"]
    assert {"base64": "hi there"} == found["content"][0][name]


@pytest.mark.requirement("output:known-words:linear")
@pytest.mark.parametrize(
    ("values", "text"),
    [
        (lambda n: ["a" * (6 + at % 90) for at in range(n // 20)], lambda n: "a" * n),
        (lambda n: [f"info{'x' * (at % 90)}@a{at}.example.com" for at in range(n // 20)], lambda n: "info,x " * n),
        (lambda n: ["info " * (1 + at % 60) + str(at) for at in range(n // 20)], lambda n: "info " * n),
        (
            lambda n: ["!" * (at % 90) + "abc" + "?" * (at % 90) for at in range(n // 20)],
            lambda n: "!" * n + "abc " * n,
        ),
        (lambda n: [f"word{at}" for at in range(n // 20)], lambda n: "&amp;#x41;" * n),
        (lambda n: [f"word{at}" for at in range(n // 20)], lambda n: "ß%C3" * n),
    ],
)
def test_many_values_that_begin_alike_take_no_longer_than_they_are_long(values, text):
    """Ten times as much takes ten times as long: whoever chooses values and texts cannot hold the server up."""

    def taken(n):
        schema = {
            "type": "object",
            "properties": {"l": {"type": "array", "items": {"type": "string", "x-secret": True}}},
        }
        definition = Definition(hash="h", tool={"name": "t", "inputSchema": {}, "outputSchema": schema})
        result = {"structuredContent": {"l": values(n)}, "content": [{"type": "text", "text": text(n)}]}
        best = 9.0
        for _ in range(3):
            leaving = Leaving(settings=Output(taint=None, detect=False), tool="t", definition=definition)
            begun = time.process_time()
            cleaned(result, leaving)
            best = min(best, time.process_time() - begun)
        return best

    small, large = taken(2000), taken(20_000)

    assert large < max(0.02, small * 25)
