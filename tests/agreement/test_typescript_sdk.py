"""
The official TypeScript SDK against the guarded demo: it finds, logs in, refreshes, steps up, with no word about us.

Both generations that are in use: the first (`@modelcontextprotocol/sdk`), and the second (`@modelcontextprotocol/client`), which
checks `iss` and joins scopes itself, in both eras of the protocol.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.agreement import npm
from tests.agreement.conftest import Documents
from tests.agreement.demo_process import Demo
from tests.agreement.keys import registered
from tests.agreement.people import FormPerson

pytestmark = [npm.needs_npm, pytest.mark.usefixtures("packages")]

READ = {"name": "search_orders", "arguments": {"query": "lamp"}}
READING = {"orders:read", "customers:read", "tickets:read"}


def somebody(demo: Demo, login: str) -> FormPerson:
    user = demo.user(login)
    return FormPerson(email=user["email"], password=user["password"], ticks=frozenset({"update_order"}))


@dataclass(frozen=True, kw_only=True)
class Generation:
    """Which SDK, and what it speaks."""

    number: int
    package: str
    spoken: str = "2025-11-25"

    @property
    def negotiation(self) -> dict[str, str] | None:
        """How it is told what to speak; without a word it speaks as its forerunner did."""
        return {"pin": self.spoken} if self.spoken != "2025-11-25" else None


FIRST = Generation(number=1, package="@modelcontextprotocol/sdk")
SECOND = Generation(number=2, package="@modelcontextprotocol/client")
MODERN = Generation(number=2, package=SECOND.package, spoken="2026-07-28")
NAMES = {FIRST: "first", SECOND: "second", MODERN: "second, 2026-07-28"}


def of(*generations: Generation) -> pytest.MarkDecorator:
    """Run the test with these generations."""
    return pytest.mark.parametrize("generation", generations, ids=[NAMES[one] for one in generations])


@pytest.fixture
def walk(demo: Demo, generation: Generation, tally: Callable[..., None]) -> Callable[..., Any]:
    """Return what runs the script with these steps, while somebody does what a person has to do."""

    async def walked(*steps: str, person: FormPerson | None = None, **job: Any) -> dict[str, dict[str, Any]]:
        facts = {"resource": demo.facts["resource"], "issuer": demo.facts["issuer"], "read": READ}
        facts["negotiation"] = generation.negotiation
        script = npm.Script("mcp_sdk", {**facts, "steps": steps, **job}, str(generation.number))
        person = person or somebody(demo, "alice")
        try:
            return await script.walk(person, more=lambda _: person.allow_more(demo.facts["issuer"]))
        finally:
            suite = f"TypeScript SDK {npm.version(generation.package)}, MCP {generation.spoken}"
            tally(suite, scenarios=1, checks=len(steps), failures=len(steps) - script.held)

    return walked


def write(note: str) -> dict[str, Any]:
    return {"name": "update_order", "arguments": {"order_id": "A-1002", "note": note}}


@pytest.mark.requirement("interop:typescript-sdk:login-and-refresh")
@of(FIRST, SECOND)
async def test_it_logs_in_with_a_known_client_reads_and_refreshes(
    demo: Demo, generation: Generation, walk: Callable[..., Any]
):
    """MCP authorization; a spoilt access token is a 401, and a refresh is what the SDK does about it."""
    app = {"client_id": demo.public_client["client_id"]}

    told = await walk("login", "list", "read", "refresh", "again", client=app)

    assert set(told["login"]["scope"]) >= READING
    assert sorted(tool["name"] for tool in demo.facts["tools"]) == told["list"]["tools"]
    assert generation.spoken == told["list"]["spoken"]
    assert ["A-1002"] == [order["id"] for order in told["read"]["content"]["orders"]]
    assert not told["refresh"]["is_error"]
    assert (True, 1) == (told["refresh"]["rotated"], told["refresh"]["logins"])
    assert {"result": "AUTHORIZED", "logins": 0} == told["again"]


@pytest.mark.requirement("interop:typescript-sdk:registers-itself")
@of(FIRST, MODERN)
async def test_it_registers_itself_logs_in_reads_and_refreshes(demo: Demo, walk: Callable[..., Any]):
    """RFC 7591; nobody told it or us anything before."""
    told = await walk("login", "list", "read", "refresh")

    client = told["login"]["client"]
    assert demo.facts["issuer"] == client["issuer"]
    assert "none" == client["token_endpoint_auth_method"]
    assert {"authorization_code", "refresh_token"} == set(client["grant_types"])
    assert "client_secret" not in client
    assert set(told["login"]["scope"]) >= READING
    assert ["A-1002"] == [order["id"] for order in told["read"]["content"]["orders"]]
    assert told["refresh"]["rotated"]


@pytest.mark.requirement("interop:typescript-sdk:registers-itself")
@of(FIRST)
async def test_registered_for_no_refresh_tokens_it_gets_none_and_steps_up_by_a_second_login(
    demo: Demo, walk: Callable[..., Any]
):
    """RFC 7591 §2: an application that asks for the code grant alone."""
    registration = {"grant_types": ["authorization_code"]}
    job = {"registration": registration, "write": write("by a registered application")}

    told = await walk("login", "read", "stepUp", **job)

    assert not told["login"]["refreshable"]
    assert "by a registered application" == told["stepUp"]["content"]["note"]


@pytest.mark.requirement("interop:typescript-sdk:is-known-by-its-document")
@of(FIRST, MODERN)
async def test_it_is_known_by_its_metadata_document(demo: Demo, walk: Callable[..., Any], documents: Documents):
    """SEP-991: it prefers a document wherever the metadata says that one works, and registers nothing."""
    about = {"redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"}
    address = documents.publish("typescript", **about)

    told = await walk("login", "read", "refresh", document=address)

    assert {"client_id": address, "issuer": demo.facts["issuer"]} == told["login"]["client"]
    assert ["A-1002"] == [order["id"] for order in told["read"]["content"]["orders"]]
    assert told["refresh"]["rotated"]


@pytest.mark.requirement("interop:typescript-sdk:steps-up")
@of(FIRST)
async def test_without_a_refresh_token_it_steps_up_by_a_second_login(demo: Demo, walk: Callable[..., Any]):
    """MCP A27; the challenge names what was there and what is needed, because this SDK joins nothing."""
    app = {"client_id": demo.public_client["client_id"]}
    alice = somebody(demo, "alice")
    job = {"client": app, "write": write("by the TypeScript SDK")}

    told = await walk("login", "forget", "read", "stepUp", "read", person=alice, **job)

    assert [(), ("update_order",)] == alice.asked_about
    assert {*told["login"]["scope"], "orders:write", "tool:update_order"} == set(told["stepUp"]["scope"])
    assert "by the TypeScript SDK" == told["stepUp"]["content"]["note"]


@pytest.mark.requirement("interop:typescript-sdk:steps-up")
@of(SECOND, MODERN)
async def test_with_a_refresh_token_the_second_generation_steps_up_by_a_second_login(
    demo: Demo, walk: Callable[..., Any]
):
    """SEP-2350: it joins what it has with what is asked for, and does not try to refresh its way there."""
    app = {"client_id": demo.public_client["client_id"]}
    alice = somebody(demo, "alice")
    job = {"client": app, "write": write("by the second generation")}

    told = await walk("login", "read", "stepUp", "read", "refresh", person=alice, **job)

    assert told["login"]["refreshable"]
    assert [(), ("update_order",)] == alice.asked_about
    assert {*told["login"]["scope"], "orders:write", "tool:update_order"} == set(told["stepUp"]["scope"])
    assert "by the second generation" == told["stepUp"]["content"]["note"]
    assert told["refresh"]["rotated"]


@pytest.mark.requirement("interop:typescript-sdk:is-widened-on-the-account-page")
@of(FIRST)
async def test_with_a_refresh_token_it_gets_further_when_its_person_allows_more(demo: Demo, walk: Callable[..., Any]):
    """clients.md rule 13: at a 403 this SDK only refreshes, so the widening is the person's, and its refresh carries it."""
    app = {"client_id": demo.public_client["client_id"]}
    # It tries no second refresh at the same challenge until another call went well.
    steps = ("login", "stuck", "errand", "read", "write")
    job = {"client": app, "errand": "more", "write": write("after the account page")}

    told = await walk(*steps, person=somebody(demo, "bob"), **job)

    assert "after trying upscoping" in told["stuck"]["message"]
    assert "after the account page" == told["write"]["content"]["note"]
    assert 1 == told["write"]["logins"]


@pytest.mark.requirement("interop:typescript-sdk:machine-with-a-key")
@of(FIRST, MODERN)
async def test_its_provider_for_machines_proves_itself_with_a_key(demo: Demo, walk: Callable[..., Any]):
    """RFC 7523 §2.2, the MCP extension for client credentials: the SDK's own provider, nobody at a browser.

    The second generation asks for what the MCP server's challenge names, whatever it was told to ask for.
    """
    robot = registered(demo, "ES256", scope=" ".join(sorted(READING)))

    told = await walk("machine", "list", "read", client=robot, scope="orders:read")

    assert "orders:read" in told["machine"]["scope"].split()
    assert set(told["machine"]["scope"].split()) <= READING
    assert ["A-1002"] == [order["id"] for order in told["read"]["content"]["orders"]]
