"""A server's tools are told after a start and on a change, again until heard, and not because two callers see them differently."""

import json

import httpx2
import pytest

from resource_lib import read
from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.backchannel.tool_report import MOST_DEFINITION_BYTES, MOST_DEPTH, MOST_TOLD_BYTES, ToolReport
from resource_lib.definition import definition_of
from resource_lib.testing.issuer import TENANT
from tests.support.guarded import MODERN
from tests.support.overlaid import Overlaid

FORMS = [definition_of({"name": "see", "description": text}) for text in ("One thing.", "Another.")]


class Telling:
    """A report, an issuer that answers `status`, and time that a test moves."""

    def __init__(self):
        from resource_lib.policy import layers_of
        from resource_lib.policy.policies import Policies

        self.now, self.status, self.heard = 0.0, 204, []
        credential = Credential(client_id="cli_x", secret="cs_canary")
        channel = Channel(
            issuer="https://issuer.test", credential=credential, transport=httpx2.MockTransport(self._answer)
        )
        demands = Policies(layers_of({"see": read("notes:read")}, None), preset=None).base.values()
        self.report = ToolReport(channel, demands, clock=lambda: self.now, pause=lambda most: most)

    def _answer(self, request):
        self.heard.append(json.loads(request.content))
        return httpx2.Response(self.status, stream=httpx2.ByteStream(b""))

    async def minutes(self, count=1):
        for _ in range(count):
            self.now += 61
            await self.report.tell()


@pytest.mark.requirement("health:tools:a-guard-says-them")
async def test_it_is_told_again_until_it_was_heard_and_then_no_more():
    """Ours: an issuer that restarts hears of it later."""
    telling = Telling()
    await telling.report.tell()
    telling.status = 503
    await telling.minutes(3)
    telling.status = 204
    await telling.minutes(3)

    assert 4 == len(telling.heard)
    assert [{"name": "see", "class": "read", "scopes": ["notes:read"], "used": {}}] == telling.heard[-1]["tools"]


@pytest.mark.requirement("health:tools:a-guard-says-them")
async def test_an_issuer_that_does_not_take_it_is_not_told_again():
    """Ours: an older one has no such place."""
    telling = Telling()
    await telling.report.tell()
    telling.status = 404
    await telling.minutes(3)

    assert 1 == len(telling.heard)


@pytest.mark.requirement("health:tools:a-guard-says-them")
async def test_a_tool_that_two_callers_see_differently_has_no_definition_and_is_told_of_once():
    """Ours: a server may describe a tool differently to each; that is no change of the tool."""
    telling = Telling()
    await telling.report.tell()
    for caller in range(20):
        telling.report.learn("see", FORMS[caller % 2], "t1")
        await telling.minutes()

    assert None is telling.heard[-1]["tools"][0].get("definition_hash")
    assert len(telling.heard) <= 3
    told = [one for heard in telling.heard for one in heard["tools"][0].get("definitions", ())]
    assert [form.hash for form in FORMS] == [one["hash"] for one in told]


@pytest.mark.requirement("inventory:report:whole-and-bounded")
async def test_each_definition_is_told_once_whole_and_with_the_tenants_it_was_listed_in():
    """C54: another tenant is told of without the definition, which the issuer has by then; what was refused is told again."""
    telling = Telling()
    await telling.report.tell()
    await telling.minutes()
    telling.report.learn("see", FORMS[0], "t1")
    telling.report.learn("see", FORMS[0], "t1")
    telling.status = 429
    await telling.minutes(2)
    telling.status = 204
    await telling.minutes()
    telling.report.learn("see", FORMS[0], "t2")
    await telling.minutes(3)

    whole = {"hash": FORMS[0].hash, "tenants": ["t1"], "definition": dict(FORMS[0].tool)}
    later = {"hash": FORMS[0].hash, "tenants": ["t2"]}
    assert [None, [whole], [whole], [whole], [later]] == [
        heard["tools"][0].get("definitions") for heard in telling.heard
    ]


@pytest.mark.requirement("inventory:report:whole-and-bounded")
async def test_what_is_too_long_or_too_deep_is_told_by_its_hash_and_many_are_told_in_parts():
    """Ours: no report is refused for what one tool says of itself."""
    telling = Telling()
    await telling.report.tell()
    await telling.minutes()
    deep = {}
    for _ in range(MOST_DEPTH + 5):
        deep = {"items": deep}
    long = definition_of({"name": "see", "description": "x" * (MOST_DEFINITION_BYTES + 1)})
    for form in (long, definition_of({"name": "see", "inputSchema": deep})):
        telling.report.learn("see", form, "t1")
    for number in range(10):
        telling.report.learn("see", definition_of({"name": "see", "description": f"{number}" + "y" * 20_000}), "t1")
    await telling.minutes()
    for _ in range(5):
        await telling.report.tell()

    told = [heard["tools"][0].get("definitions", []) for heard in telling.heard]
    assert 12 == len([one for part in told for one in part])
    assert [False, False, True] == ["definition" in one for part in told for one in part][:3]
    assert all(len(json.dumps(part)) < MOST_TOLD_BYTES + MOST_DEFINITION_BYTES for part in told)
    assert 3 == len(told)


@pytest.mark.requirement("health:tools:a-guard-says-them")
async def test_what_a_guard_lists_is_what_it_tells():
    """The hook: a list that passes the guard teaches the report what each tool of the policy is."""
    guarded = Overlaid()
    told = []
    guarded.guard._definitions.note = lambda name, known, tenant: told.append((name, (len(known.hash), tenant)))

    await guarded.listed(headers=[MODERN])

    assert ("see", (64, TENANT)) in told
    assert "unlisted" not in dict(told)
    await guarded.guard.aclose()
