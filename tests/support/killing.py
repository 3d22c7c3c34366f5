"""One world in which everything that can go on does: what a person, an application and a server hold, and how each is tried."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from authserver.domain.approvals.deciding import RefusedDecisionError
from authserver.domain.clients import registry
from authserver.domain.clients.client import DEVICE_CODE
from authserver.domain.resources import administration
from authserver.domain.revocation import tail
from authserver.domain.stopping import stopping
from authserver.domain.stopping.stopping import By, Target
from resource_lib import read
from resource_lib.wire import api_key as wire
from tests.support.approvals import REFUND, WITH_REFUND, Approver, ToolServer, tool_server
from tests.support.browser import Browser
from tests.support.exchange import GRANT, Deputy, allowed_deputy
from tests.support.guarding import Guarding
from tests.support.oauth_client import OAuthClient, TokenAnswer
from tests.support.world import R1, R2, Application

TOOLS = {"search_orders": read("orders:read"), REFUND: read("orders:read")}
SCOPE = f"openid {WITH_REFUND}"
REDIRECT = "https://all.example/cb"
PLATFORM = By(tenant="*", label="the suite")


@dataclass(kw_only=True)
class Held:
    """What was there before anything was stopped. `app` is what is stopped, or what is used by whom is."""

    server: Any
    app: OAuthClient
    machine: OAuthClient
    rs: OAuthClient
    tools: ToolServer
    deputy: Deputy
    tokens: TokenAnswer
    code: Any
    device: TokenAnswer
    exchanged: TokenAnswer
    machine_token: TokenAnswer
    key: str
    machine_key: str
    admin: TokenAnswer
    guarding: Guarding
    """A guard that is started again with everything else."""
    following: Guarding
    """One that goes on, whatever is started again."""
    upstream: Guarding
    """One that goes on at the server at which R1 acts further on."""
    pending: str
    approved: str
    browser: Browser
    seen: dict[str, Any] = field(default_factory=dict)

    async def restart(self) -> None:
        """Begin new processes, the guard's too; the person's browser keeps its cookies."""
        cookies = self.browser.cookies
        await self.guarding.guard.aclose()
        await self.server.restart()
        self.guarding = Guarding(self.server, tools=TOOLS)
        self.browser = self.server.browser()
        for name, value in cookies.items():
            self.browser.plant(name, value)
        self.app.browsers = {"u1": self.browser}

    async def aclose(self) -> None:
        """Let the guards follow no longer."""
        for each in (self.guarding, self.following, self.upstream):
            await each.guard.aclose()

    async def works(self, *names: str) -> set[str]:
        """Try these; return what still goes on."""
        return {name for name in names if await TRIES[name](self)}


async def everything_held(server: Any, app: OAuthClient | None = None) -> Held:
    """Let u1 connect an application with all it can have: `app`, or one of t1 with a secret; and give it all out."""
    machine = await _whole_application(server)
    app = app or machine
    deputy = await allowed_deputy(server)
    await app.authorize("u1", scope=SCOPE, tools=[REFUND])
    tokens = await app.sign_in("u1", scope=SCOPE, tools=[REFUND], prompt="consent")
    tools = tool_server(server)
    approved = await tools.asked(tokens, {"order_id": "o-1", "amount_cents": 1})
    await Approver(server=server, who="u1").decide(approved)
    device = await app.start_device() if DEVICE_CODE in app.app.grant_types else await machine.start_device()
    starter = app if DEVICE_CODE in app.app.grant_types else machine
    starter.browsers = app.browsers
    await starter.connect("u1", device)
    await server.operator.set_member("u1", "t1", roles=("member", "auditor"))
    machine.browsers = app.browsers
    admin = await machine.sign_in("u1", scope="kills:read", resource=server.issuer + administration.PATH)
    guarding, following, upstream = (
        Guarding(server, tools=TOOLS),
        Guarding(server, tools=TOOLS),
        Guarding(server, letter="RS2", resource=R2, tools=TOOLS),
    )
    for each in (guarding, following):
        # It has what it needs to judge by itself, the keys too.
        assert (await each.call("search_orders", tokens.access_token)).status == 200
    return Held(
        server=server,
        app=app,
        machine=machine,
        rs=server.client("RS1"),
        tools=tools,
        deputy=deputy,
        tokens=tokens,
        code=await app.authorize("u1", scope=SCOPE, tools=[REFUND], prompt="consent"),
        device=device,
        exchanged=await deputy.exchange(tokens),
        machine_token=await machine.client_credentials(scope="orders:read", resource=R1),
        key=(await server.operator.add_api_key(who="u1")).secret,
        machine_key=(await server.operator.add_api_key(app=machine.app)).secret,
        admin=admin,
        guarding=guarding,
        following=following,
        upstream=upstream,
        pending=await tools.asked(tokens, {"order_id": "o-2", "amount_cents": 2}),
        approved=approved,
        browser=app.browser_of("u1"),
    )


async def _whole_application(server: Any) -> OAuthClient:
    work = server.operator.work("t1")
    made = registry.add(
        work,
        name="Everything App",
        auth_method="client_secret_basic",
        grant_types=("authorization_code", "refresh_token", "client_credentials", DEVICE_CODE),
        redirect_uris=(REDIRECT,),
        scope=(*SCOPE.split(), "kills:read"),
        resources=(R1, R2, server.issuer + administration.PATH),
        default_resource=R1,
    )
    assert await work.commit()
    known = Application(
        name="Everything App",
        tenant="t1",
        auth_method="client_secret_basic",
        client_id=made.client.id,
        secret=made.secret,
        redirect_uris=(REDIRECT,),
        grant_types=made.client.grant_types,
        scope=made.client.scope,
    )
    return OAuthClient(server=server, app=known)


async def _active(rs: OAuthClient, token: TokenAnswer) -> bool:
    answer = await rs.introspect(token.access_token)
    assert "active" in answer.body, answer.body
    return answer.body["active"] is True


async def _introspect(it: Held) -> bool:
    return await _active(it.rs, it.tokens)


async def _introspect_exchanged(it: Held) -> bool:
    return await _active(it.server.client("RS2"), it.exchanged)


async def _introspect_machine(it: Held) -> bool:
    return await _active(it.rs, it.machine_token)


async def _userinfo(it: Held) -> bool:
    bearer = {"authorization": f"Bearer {it.tokens.access_token}"}
    return (await it.server.http.get("/userinfo", headers=bearer)).status_code == 200


async def _refresh(it: Held) -> bool:
    return (await it.app.refresh(it.tokens)).ok


async def _redeem(it: Held) -> bool:
    return (await it.app.redeem(it.code)).ok


async def _fetch(it: Held) -> bool:
    holder = it.app if DEVICE_CODE in it.app.app.grant_types else it.machine
    return (await holder.poll(it.device)).ok


async def _exchange(it: Held) -> bool:
    return (await it.deputy.exchange(it.tokens)).ok


async def _api_key(it: Held, secret: str) -> bool:
    wanted = {"grant_type": GRANT, "subject_token": secret, "subject_token_type": wire.TOKEN_TYPE}
    return (await it.app.post("/token", authenticate=False, **wanted)).ok


async def _administer(it: Held) -> bool:
    bearer = {"authorization": f"Bearer {it.admin.access_token}"}
    answer = await it.server.http.get(f"{it.server.issuer}{administration.PATH}/kills", headers=bearer)
    assert answer.status_code in {200, 401}, answer.text
    return answer.status_code == 200


async def _call(guarding: Guarding, token: TokenAnswer, tool: str = "search_orders") -> bool:
    """With the guard's next word from the server; the first word of one that has just been started is a whole state."""
    await guarding.heard()
    answer = await guarding.call(tool, token.access_token)
    assert answer.status in {200, 401}, answer.json
    return answer.status == 200 and not answer.json["result"].get("isError")


async def _ask(it: Held) -> bool:
    answer = await it.tools.ask(it.tokens, {"order_id": "o-3", "amount_cents": 3})
    return answer.status_code in {200, 201}


async def _consume(it: Held) -> bool:
    arguments = {"order_id": "o-1", "amount_cents": 1}
    return (await it.tools.consume(it.approved, it.tokens, arguments)).status_code == 200


async def _decide(it: Held) -> bool:
    try:
        await Approver(server=it.server, who="u1").decide(it.pending)
    except RefusedDecisionError:
        return False
    return True


async def _client_credentials(it: Held) -> bool:
    answer = await it.machine.client_credentials(scope="orders:read", resource=R1)
    return answer.ok and await _active(it.rs, answer)


async def _old_session(it: Held) -> bool:
    page = await it.app.ask(it.browser, scope=SCOPE)
    return page.is_consent or "code=" in (page.location or "")


async def _account(it: Held) -> bool:
    page = await it.browser.open(f"{it.server.issuer}/account")
    return page.status == 200 and it.app.app.name in page.text


async def _new_login(it: Held) -> bool:
    """Somebody begins anew: another browser, the password, a yes, tokens that count."""
    anew = OAuthClient(server=it.server, app=it.app.app)
    page = await anew.consent_page("u1")
    if page.is_consent:
        page = await anew.browser_of("u1").submit(page.form("decision"), decision="allow")
    if "code=" not in (page.location or ""):
        return False
    answer = await anew.redeem((await anew.authorize("u1")).code)
    return answer.ok and await _active(it.rs, answer)


async def _new_device(it: Held) -> bool:
    starter = it.app if DEVICE_CODE in it.app.app.grant_types else it.machine
    return (await starter.start_device()).ok


TRIES: dict[str, Callable[[Held], Awaitable[bool]]] = {
    "refresh": _refresh,
    "code": _redeem,
    "device": _fetch,
    "introspection": _introspect,
    "introspection of an exchanged token": _introspect_exchanged,
    "introspection of a machine's token": _introspect_machine,
    "userinfo": _userinfo,
    "exchange": _exchange,
    "person's API key": lambda it: _api_key(it, it.key),
    "machine's API key": lambda it: _api_key(it, it.machine_key),
    "admin API": _administer,
    "guard": lambda it: _call(it.guarding, it.tokens),
    "guard: goes on": lambda it: _call(it.following, it.tokens),
    "guard: one tool": lambda it: _call(it.following, it.tokens, REFUND),
    "guard: a machine's token": lambda it: _call(it.following, it.machine_token),
    "guard: an exchanged token": lambda it: _call(it.upstream, it.exchanged),
    "approvals: ask": _ask,
    "approvals: consume": _consume,
    "approvals: decide": _decide,
    "client_credentials": _client_credentials,
    "authorize": _old_session,
    "account page": _account,
    "new login": _new_login,
    "new device": _new_device,
}
ONCE = frozenset({"code", "device", "approvals: consume", "approvals: decide"})
"""What is used up where it works."""


async def stop(server: Any, target: Target, *, by: By = PLATFORM) -> None:
    """Kill it, as an operator does."""
    work = server.machines.work()
    await stopping.kill(work, target, reason="an incident", by=by)
    assert await work.commit()


async def pause(server: Any, target: Target) -> None:
    """Switch it inactive."""
    work = server.machines.work()
    await stopping.pause(work, target, reason="maintenance", by=PLATFORM)
    assert await work.commit()


async def revive(server: Any, target: Target) -> None:
    """Let it begin again."""
    work = server.machines.work()
    await stopping.revive(work, target, reason="the incident is over", by=PLATFORM)
    assert await work.commit()
    await tail.look(server.machines.work())
