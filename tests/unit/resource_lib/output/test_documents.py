"""JSON that stands in a text by itself is known by its names; everything else of the text stays as it is."""

import json
import time

import pytest

from resource_lib.definition import definition_of
from resource_lib.output import Leaving, Output, cleaned, detectors
from resource_lib.output.documents import with_documents
from tests.support.answering import CUSTOMERS, JANE, listed

PIN = '{"user": "a", "pin": 4711}'
PRETTY = json.dumps({"user": "a", "pin": 4711}, indent=2)
MASKED = '{"user": "a", "pin": 0}'


def in_words(document: str) -> list[str]:
    return [
        f"{document}\n{document}",
        f"3 rows:\n{document}\n\n{document}\r\nthat is all",
        f"See\n```json\n{document}\n```\nthere",
        f"~~~\n{document}\n{document}\n~~~",
        f"```\nno json\n```\n  {document}\n",
        f"```json\n{document}",
    ]


@pytest.mark.requirement("output:names:json-in-a-text")
@pytest.mark.parametrize("text", in_words(PIN))
def test_a_number_under_the_name_of_a_secret_is_masked_in_lines_and_in_blocks(text):
    """C34, EX: JSON Lines and ```json are how tools return rows in words."""
    found, counts = detectors.redacted(text)

    assert text.replace(PIN, MASKED) == found
    assert text.count(PIN) == counts["named"]


@pytest.mark.requirement("output:names:json-in-a-text")
def test_a_block_over_several_lines_is_one_document():
    found, _ = detectors.redacted(f"See\n```json\n{PRETTY}\n```\n")

    assert PRETTY.replace("4711", "0") in found


@pytest.mark.requirement("output:names:json-in-a-text")
@pytest.mark.parametrize(
    "text", in_words(json.dumps({"email": "jane at canary", "name": "Jane Canary", "status": "active"}))
)
def test_what_a_schema_calls_personal_is_masked_by_its_name_in_lines_and_in_blocks(text):
    """C34: the schema speaks of the structure, and the text beside it says the same in other words."""
    tool = listed("see", CUSTOMERS)
    said = {"content": [{"type": "text", "text": text}], "structuredContent": {"customers": [{"id": JANE["id"]}]}}
    found = cleaned(said, Leaving(settings=Output(), tool="see", definition=definition_of(tool)))

    assert "Jane" not in json.dumps(found)
    assert "jane at canary" not in json.dumps(found)
    assert "active" in json.dumps(found)


@pytest.mark.requirement("output:names:json-in-a-text")
@pytest.mark.parametrize(
    "text", ["", "{\n", "a {b} c\n", "```\n", "[1]\n[2]", '{"a": 1\n}', '{"a": 1, "a": 2}\nx', "```json\n[\n```", PIN]
)
def test_what_is_none_stays_letter_by_letter(text):
    assert (
        with_documents(text, lambda said: {"other": said} if type(said) is dict and "a" not in said else said) is text
    )


@pytest.mark.requirement("output:names:json-in-a-text")
@pytest.mark.parametrize("piece", ["```\n", '{"a":1}\n', '{"a":\n', "```json\n{\n", '[[["\n', '[""]]]\n'])
def test_ten_times_the_lines_take_ten_times_as_long(piece):
    """LG-04."""

    def spent(count):
        best = 1e9
        for _ in range(3):
            began = time.thread_time()
            with_documents(piece * count, lambda said: said)
            best = min(best, time.thread_time() - began)
        return best

    assert spent(10_000) < 20 * spent(1_000) + 0.01


@pytest.mark.requirement("output:names:json-in-a-text")
def test_what_stands_in_a_document_inside_a_document_that_is_hidden_is_known_everywhere():
    """C34: `contentSchema` below `contentSchema`, hidden as a whole."""
    inner = json.dumps({"who": "Jane Canary-Swordfish"})
    schema = {
        "type": "object",
        "properties": {"all": {"type": "string", "x-secret": True, "contentMediaType": "application/json"}},
    }
    said = {
        "content": [{"type": "text", "text": "ask Jane Canary-Swordfish"}],
        "structuredContent": {"all": json.dumps({"inside": json.dumps({"further": inner})})},
    }
    found = cleaned(said, Leaving(settings=Output(), tool="see", definition=definition_of(listed("see", schema))))

    assert "Swordfish" not in json.dumps(found)
