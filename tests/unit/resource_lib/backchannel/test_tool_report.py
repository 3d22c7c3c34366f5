"""A server's tools are told after a start and on a change, again until heard, and not because two callers see them differently."""

import json

import httpx2
import pytest

from resource_lib import read
from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.backchannel.tool_report import ToolReport
from tests.support.guarded import MODERN
from tests.support.overlaid import Overlaid


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
    assert [{"name": "see", "class": "read", "scopes": ["notes:read"]}] == telling.heard[-1]["tools"]


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
        telling.report.learn("see", "ab"[caller % 2] * 64)
        await telling.minutes()

    assert [None, "a" * 64, "b" * 64, None][-1] == telling.heard[-1]["tools"][0].get("definition_hash")
    assert len(telling.heard) <= 3


@pytest.mark.requirement("health:tools:a-guard-says-them")
async def test_what_a_guard_lists_is_what_it_tells():
    """The hook: a list that passes the guard teaches the report what each tool of the policy is."""
    guarded = Overlaid()
    told = []
    guarded.guard._definitions.note = lambda name, hashed: told.append((name, len(hashed)))

    await guarded.listed(headers=[MODERN])

    assert ("see", 64) in told
    assert "unlisted" not in dict(told)
    await guarded.guard.aclose()
