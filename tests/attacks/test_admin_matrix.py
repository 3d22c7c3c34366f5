"""
Every route of the admin API x everybody who might ask x whose it is, generated from the table that the server itself obeys.

The table says what is demanded; this file says, by other words, who has it (`HOLDS`). One world serves all the cases of a test.
"""

import pytest

from authserver.domain.resources.administration import SCOPES
from authserver.web.admin.demands import DEMANDS
from tests.support.admin_examples import EXAMPLES
from tests.support.administered import BOT_SCOPE, administered
from tests.support.oauth_client import basic

pytestmark = pytest.mark.settings(admin_requests_per_minute=100_000, access_token_seconds=900)

OPERATES = {"kills", "authorizations", "servers", "approvals"}
READS = {scope for scope in SCOPES if scope.endswith(":read")}
HOLDS = {
    "admin": set(SCOPES),
    "operator": READS | {scope for scope in SCOPES if scope.partition(":")[0] in OPERATES},
    "auditor": READS,
    "role taken away": set(),
    "machine with few scopes": set(BOT_SCOPE),
    "platform admin": set(SCOPES),
    "platform machine": set(SCOPES),
    "platform auditor": READS,
    "platform without scope": {"audit:read"},
}
"""What each may, by the words of the contract: roles in a tenant, and registration of machines."""

PROBE = "zzz=1"
"""No route knows it, and only whoever may use the route is told so (422)."""


def filled(path, names):
    for name, value in names.items():
        path = path.replace("{" + name + "}", value)
    return path


def with_query(path, query):
    return path if not query else f"{path}{'&' if '?' in path else '?'}{query}"


async def those_who_may_something(admin):
    """A good token of each in `HOLDS`."""
    demoted = await admin.sign_in("b1")
    await admin.server.operator.set_member("b1", "t1", roles=("member",))
    return {
        "admin": await admin.token("a1"),
        "operator": await admin.token("o1"),
        "auditor": await admin.token("d1"),
        "role taken away": demoted,
        "machine with few scopes": await admin.token("bot1"),
        "platform admin": await admin.token("p1"),
        "platform machine": await admin.token("botp"),
        "platform auditor": await admin.token("p2"),
        "platform without scope": await admin.sign_in("p1", scope="audit:read"),
    }


async def those_who_are_nobody(admin):
    """What everybody might send who has no good token for the admin API; None: nothing at all."""
    server = admin.server
    good = await admin.token("a1")
    revoked = await admin.sign_in("a1")
    await server.client("ops").revoke(revoked)
    removed = await admin.sign_in("c1")
    await server.operator.remove_member("c1", "t1")
    ended = await admin.sign_in("e1")
    await server.operator.set_member("e1", "t1", is_active=False)
    head, payload, signature = good.split(".")
    secret = server.world.clients["bot1"]
    return {
        "nobody": None,
        "garbage": "Bearer garbage",
        "an empty token": "Bearer ",
        "a password": basic(secret.client_id, secret.secret)["authorization"],
        "a secret as a token": f"Bearer {secret.secret}",
        "another signature": f"Bearer {head}.{payload}.{signature[:-4]}AAAA",
        "another payload": f"Bearer {head}.{payload[:-4]}AAAA.{signature}",
        "no algorithm": f"Bearer eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{payload}.",
        "an MCP server's token": f"Bearer {(await server.client('P').sign_in('u2')).access_token}",
        "a machine's token for an MCP server": f"Bearer {(await server.client('M').client_credentials()).access_token}",
        "a refresh token": f"Bearer {(await server.client('P').sign_in('u1')).refresh_token}",
        "revoked": f"Bearer {revoked}",
        "no member any more": f"Bearer {removed}",
        "disabled": f"Bearer {ended}",
        "two schemes": f"Basic Bearer {good}",
    }


@pytest.mark.one_database
@pytest.mark.requirement("admin:matrix:every-route-has-an-example")
def test_every_route_has_an_example_that_works():
    """A route that is added without one fails here, so nothing below passes it over."""
    assert set(DEMANDS) == set(EXAMPLES)


@pytest.mark.one_database
@pytest.mark.requirement("admin:matrix:nobody-learns-nothing")
async def test_whoever_has_no_good_token_gets_the_one_401_everywhere(server):
    """AD-01, AD-05."""
    admin = await administered(server)
    sent = await those_who_are_nobody(admin)
    places = [(method, filled(path, {})) for method, path in DEMANDS] + [
        (method, path)
        for method in ("GET", "POST", "HEAD", "OPTIONS", "TRACE", "PATCH", "DELETE", "FOO")
        for path in (
            "",
            "/",
            "/nothing",
            "/docs",
            "/redoc",
            "/metrics",
            "/debug",
            "/tenants/..",
            "/%2e%2e/%2e%2e/token",
            "/%74enants",
            "/TENANTS",
            "//tenants",
        )
    ]

    wrong, cases = [], 0
    for name, authorization in sent.items():
        for method, path in places:
            headers = {} if authorization is None else {"authorization": authorization}
            answer = await admin.call(method, path.replace("{", "").replace("}", ""), headers=headers)
            cases += 1
            body = answer.json() if method != "HEAD" else {}
            challenge = "Bearer" if authorization is None else 'Bearer error="invalid_token"'
            if (401, challenge) != (answer.status_code, answer.headers.get("www-authenticate")) or "errors" in body:
                wrong.append((name, method, path, answer.status_code, answer.text[:200]))

    assert [] == wrong
    assert cases > 500


@pytest.mark.one_database
@pytest.mark.requirement("admin:matrix:scope-and-role-decide")
async def test_each_route_is_open_to_exactly_those_who_hold_what_it_demands(server):
    """AD-01, AD-02, CVE-2026-25227: endpoint x role, as the contract words it."""
    admin = await administered(server)
    tokens = await those_who_may_something(admin)

    wrong, cases = [], 0
    for who, token in tokens.items():
        for (method, path), demand in DEMANDS.items():
            may = (not demand.scope or demand.scope in HOLDS[who]) and (
                not demand.is_platform or who.startswith("platform")
            )
            answer = await admin.call(
                method, f"{filled(path, {}).replace('{', '').replace('}', '')}?{PROBE}", token=token
            )
            cases += 1
            if answer.status_code != (422 if may else 403):
                wrong.append((who, method, path, answer.status_code, answer.text[:200]))

    assert [] == wrong
    assert cases == len(HOLDS) * len(DEMANDS)


@pytest.mark.requirement("admin:matrix:examples-work")
async def test_each_example_works_for_whom_it_is_meant(server):
    """Without this, a 404 of another tenant would prove nothing."""
    admin = await administered(server)

    wrong = []
    for (method, path), example in EXAMPLES.items():
        answer = await send(admin, method, path, example, who=example.by)
        if answer.status_code != example.ok:
            wrong.append((method, path, answer.status_code, answer.text[:400]))

    assert [] == wrong


@pytest.mark.requirement("admin:matrix:another-tenants-is-not-there")
async def test_what_is_another_tenants_is_as_what_is_not_there(server):
    """TN-01, TN-15, CVE-2025-27507: in the same bytes, and by as many readings of the database."""
    admin = await administered(server)
    counted = Counting(server.machines.database)
    object.__setattr__(server.machines, "database", counted)
    await admin.token("a2")

    wrong, cases = [], 0
    for (method, path), example in EXAMPLES.items():
        if example.strange is None or example.shared or DEMANDS[method, path].is_platform:
            continue
        made = await example.make(admin)
        for _ in range(2):  # what is remembered is remembered
            await send(admin, method, path, example, who="a2", made=example.strange)
        theirs, reads = await counting(counted, send(admin, method, path, example, who="a2", made=made))
        nobodys, as_many = await counting(counted, send(admin, method, path, example, who="a2", made=example.strange))
        cases += 1
        if (404, 404) != (theirs.status_code, nobodys.status_code) or told(theirs) != told(nobodys) or reads != as_many:
            wrong.append((method, path, theirs.status_code, theirs.text[:300], nobodys.status_code, reads, as_many))

    assert [] == wrong
    assert cases >= 1


@pytest.mark.requirement("admin:matrix:another-tenants-is-not-there")
async def test_naming_another_tenant_is_as_naming_none(server):
    """TN-02, TN-03: `?tenant=` is for the platform; whose it is not gets the same bytes for what is and is not there."""
    admin = await administered(server)
    await admin.token("a2")

    wrong, cases = [], 0
    for (method, path), example in EXAMPLES.items():
        demand = DEMANDS[method, path]
        if not demand.is_within or demand.is_platform:
            continue
        made = await example.make(admin)
        answers = [
            await send(admin, method, path, example, who="a2", made=made, more=f"tenant={wanted}")
            for wanted in (
                admin.tenant("t1"),
                "t1",
                "ten_aaaaaaaaaaaaaaaa",
                "nobody",
                "*",
                "T1",
                "t1%2f",
                "%25",
                "platform",
            )
        ]
        cases += len(answers)
        if {404} != {one.status_code for one in answers} or 1 != len({repr(told(one)) for one in answers}):
            wrong.append((method, path, [(one.status_code, one.text[:160]) for one in answers]))

    assert [] == wrong


@pytest.mark.one_database
@pytest.mark.requirement("admin:dangerous:needs-a-fresh-login")
async def test_what_is_dangerous_needs_a_login_of_the_last_five_minutes(server):
    """RFC 9470 §3, AD-12: one second too old is told by `max_age`; what is not dangerous goes on."""
    admin = await administered(server)
    for who in ("a1", "p1"):
        await admin.token(who)
    server.clock.advance(301)

    wrong, cases = [], 0
    for (method, path), demand in DEMANDS.items():
        if not demand.is_dangerous:
            continue
        example = EXAMPLES[method, path]
        answer = await send(admin, method, path, example, who=example.by)
        cases += 1
        challenge = answer.headers.get("www-authenticate")
        if (401, 'Bearer error="insufficient_user_authentication", max_age="300"') != (answer.status_code, challenge):
            wrong.append((method, path, answer.status_code, challenge, answer.text[:200]))

    assert [] == wrong
    assert cases >= 1
    assert 200 == (await admin.call("GET", "/tenants", "a1")).status_code


async def send(admin, method, path, example, *, who, made=None, more=""):
    """Send the example as somebody, on a state that is whatever it is."""
    names = await example.make(admin) if made is None else made
    place = with_query(with_query(filled(path, names), example.query), more)
    headers = {"if-match": "*"} if method in {"PATCH", "PUT", "DELETE"} else {}
    return await admin.call(method, place, who, body=example.sent(admin, names), headers=headers)


def told(answer):
    """What an answer says, but for the id of its own request."""
    same = {name: value for name, value in answer.json().items() if name != "instance"}
    return same, len(answer.content), dict(answer.headers)


class Counting:
    """A database that counts how often it is read."""

    def __init__(self, database):
        self._database = database
        self.reads = 0

    async def read(self, *given, **more):
        self.reads += 1
        return await self._database.read(*given, **more)

    def __getattr__(self, name):
        return getattr(self._database, name)


async def counting(counted, call):
    """Return what a call gave, and how often it read."""
    before = counted.reads
    answer = await call
    return answer, counted.reads - before
