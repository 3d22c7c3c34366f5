"""A guard makes forbidden calls at itself, in its own process, and says in `doctor()` what it did not refuse."""

import asyncio
import json
import logging

import pytest

from resource_lib import Limits, Output, ResourceGuard, destructive, read, rehearsal, write
from tests.support.bare import BARE
from tests.support.guarded import RESOURCE, Guarded
from tests.support.recorded import Recorded

WITHOUT = {
    "a call without a token", "a list of tools without a token", "a session without a token", "a stream without a token",
    "a batch without a token",
}  # fmt: skip
FORGED = {"a call with a token of nobody", "a call with an unsigned token", "a call with a forged token"}
OF_NOBODY = {
    "an unknown tool", "see (read) without its scope", "add (write) without its scope", "wipe (destructive) without its scope",
    "see with an argument that it does not take",
}  # fmt: skip
TOOLS = {"see": read("notes:read"), "add": write("notes:write"), "wipe": destructive("notes:write", approval=False)}
DEFAULTS = {"arguments": "strict", "limits": Limits(), "output": Output(), "lint": "warn"}


class Everybody:
    """Believes whatever it is shown, as a verifier of somebody's own might."""

    def __init__(self, principal):
        self.principal = principal

    async def verify(self, token, now):
        return self.principal


def states(tried):
    return {one.what: one.state for one in tried}


@pytest.mark.requirement("rehearsal:a-guard-refuses-itself")
@pytest.mark.parametrize("words", [DEFAULTS, {}], ids=["at its defaults", "bare"])
async def test_a_guard_refuses_every_forbidden_call_and_the_server_is_never_reached(words):
    """C66, C54: without a token, with tokens of nobody, as somebody who holds nothing; not one byte of it reaches the wrapped server."""
    it = Guarded(tools=TOOLS, **words)

    tried = await it.guard.probe()
    report = it.guard.doctor()

    expected = WITHOUT | FORGED | OF_NOBODY - (set() if words else {"see with an argument that it does not take"})
    assert dict.fromkeys(expected, "refused") == states(tried), tried
    assert {one.what: (one.state, one.detail) for one in tried} == report.refusals
    assert not [warning for warning in report.warnings if warning.startswith("probe: ")]
    assert 0 == it.reached == it.server.lifespans


@pytest.mark.requirement("rehearsal:a-guard-refuses-itself")
def test_without_an_event_loop_a_report_has_asked_what_anybody_may_ask():
    """C07: at every report anew, a start included."""
    it = Guarded()

    assert dict.fromkeys(WITHOUT, ("refused", "HTTP 401")) == it.guard.doctor().refusals
    assert 0 == it.reached


@pytest.mark.requirement("rehearsal:a-guard-refuses-itself")
async def test_with_a_token_that_counts_what_no_token_may_is_refused_too():
    """C15: by the verifier that callers meet."""
    it = Guarded(tools=TOOLS)
    token = it.issuer.token(scopes=["notes:read"])

    said, of_nobody = states(await it.guard.probe(token=token)), states(await it.guard.probe(token="x.y.z"))

    assert "refused" == said["an unknown tool, with the token that was given"]
    assert "not asked" == of_nobody["an unknown tool, with the token that was given"]
    assert 0 == it.reached


@pytest.mark.requirement("rehearsal:what-is-not-refused-is-said")
async def test_a_guard_that_believes_anybody_is_found_and_says_so_from_then_on(caplog):
    """C07, C08: a verifier of one's own is the one thing that could; the controls follow."""
    it = Guarded(tools=TOOLS)
    principal = await it.guard._verifier.verify(it.issuer.token(scopes=["notes:read"]), it.guard._clock())
    guard = ResourceGuard(
        **BARE, issuer=it.issuer.issuer, resource=RESOURCE, tools=TOOLS, verifier=Everybody(principal)
    )

    tried = await guard.probe()

    assert dict.fromkeys(FORGED, "not refused").items() <= states(tried).items()
    report = guard.doctor()
    assert "off" == report.controls["C07"][0]
    assert 3 == sum(warning.startswith("probe: ") for warning in report.warnings)
    caplog.set_level(logging.INFO, "resource_lib.guard")
    guard.wrap(it.server)
    assert "3 FORBIDDEN REQUESTS NOT REFUSED" in caplog.text


async def open_door(parts, app, scope, receive, send):
    await app(scope, receive, send)


async def shut_door(parts, app, scope, receive, send):
    await send({"type": "http.response.start", "status": 403, "headers": []})
    await send({"type": "http.response.body", "body": b"no"})


async def fallen_door(parts, app, scope, receive, send):
    raise RuntimeError("canary")


async def slow_door(parts, app, scope, receive, send):
    await asyncio.sleep(0)
    await shut_door(parts, app, scope, receive, send)


@pytest.mark.requirement("rehearsal:what-is-not-refused-is-said")
@pytest.mark.parametrize(
    ("door", "at_once", "in_a_loop"),
    [
        (open_door, "not refused", "not refused"),
        (shut_door, "not asked", "not asked"),
        (fallen_door, "not asked", "not asked"),
        (slow_door, "not asked", "not asked"),
    ],
)
async def test_nothing_but_the_refusal_that_is_expected_counts(door, at_once, in_a_loop):
    """C66: a guard with no door, one that says no to everything, one that falls over, one that would have to wait."""
    parts = Guarded(tools=TOOLS, **DEFAULTS).guard._parts

    without, all_of_it = rehearsal.without_a_token(parts, door), await rehearsal.rehearsed(parts, door)

    assert dict.fromkeys(WITHOUT, at_once) == states(without)
    assert dict.fromkeys(WITHOUT | FORGED | OF_NOBODY, in_a_loop) == states(all_of_it)
    assert "canary" not in str(all_of_it)


@pytest.mark.requirement("rehearsal:leaves-nothing-behind")
async def test_a_rehearsal_counts_nothing_teaches_nothing_and_asks_nobody(caplog):
    """Ours: after a hundred of them the first real call runs, what the server really lists is what counts, and no yes was asked for."""
    caplog.set_level(logging.WARNING)
    it = Guarded(tools=TOOLS, **DEFAULTS | {"limits": Limits(credential="2/min", server="2/min")})
    tool = {
        "name": "see",
        "inputSchema": {"type": "object", "properties": {"word": {"type": "string", "maxLength": 9}}},
    }
    it.server.chunks = [json.dumps({"jsonrpc": "2.0", "id": "resource-guard", "result": {"tools": [tool]}}).encode()]

    for _ in range(100):
        await it.guard.probe()
    logged = list(caplog.records)
    await it.tool("see", "notes:read")

    methods = [json.loads(one["body"])["method"] for one in it.server.seen if one["body"]]
    assert [] == logged
    assert "tools/list" in methods, "what the stand-in listed is not known to the guard"
    assert "tools/call" == methods[-1], "two a minute are left"


@pytest.mark.requirement("rehearsal:leaves-nothing-behind")
async def test_a_guard_that_speaks_to_its_issuer_tells_it_nothing_of_a_rehearsal(tmp_path):
    """C45: its record holds the calls of callers alone; before operators' demands were told, what cannot be asked is said to be so."""
    it = Recorded(tmp_path)

    early = states(await it.guard.probe())
    await it.use("see")
    tried = await it.guard.probe(token=it.issuer.token(scopes=["notes:read"]))
    it.guard.doctor()

    assert "not asked" == early["calls of somebody who holds nothing"]
    assert {"refused"} == set(states(tried).values()), tried
    assert {"an unknown tool", "add (write) without its scope"} <= set(states(tried))
    assert {"see"} == {event.tool for event in await it.told()}
    assert {"see"} == {event["tool"] for event in it.guard.recent()}
