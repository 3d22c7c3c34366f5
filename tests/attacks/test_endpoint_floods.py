"""Each of our own endpoints has a stated limit, and each that states one keeps it: a flood ends in 429 with `Retry-After`."""

import pytest

from authserver.web.limits import OF_GROUP
from authserver.web.routes import ADMIN, ROUTES, limit_of

PROVEN = {"protocol", "backchannel"}
FEW = {
    "token_requests_per_minute": 60, "introspections_per_minute": 60, "page_requests_per_minute": 60,
    "registrations_per_minute": 1, "admin_requests_per_minute": 60,
}  # fmt: skip
ENDPOINTS = [(path, method) for path, route in ROUTES.items() for method in route.methods]


def in_groups(*groups):
    return [(path, method) for path, method in ENDPOINTS if ROUTES[path].group in groups]


@pytest.mark.requirement("limits:endpoints:each-is-stated")
def test_every_route_says_who_counts_together_and_how_often():
    """Decision 12: only what is prepared, or what only says that we live, is not counted."""
    assert {route.group for route in (*ROUTES.values(), ADMIN)} == set(OF_GROUP)
    for path, method in ENDPOINTS:
        limit = limit_of(ROUTES[path], method)
        assert limit.most, path
        assert bool(limit.counts) is (ROUTES[path].group not in {"public", "asset", "operations"}), path
    for route in ROUTES.values():
        assert set(route.limits) <= set(route.methods), "a limit of a method that is not there"


async def ask(server, path, method, *, name, http=None):
    """Send what reaches the endpoint's own work: a good credential, and a body of the right kind."""
    known = server.client(name).app
    auth = (known.client_id, known.secret)
    where = path.replace("{id}", "ap_00000000000000000000000000000000")
    if method in {"POST", "PUT"} and (path.startswith("/rs/") or path == "/register"):
        sent = {"json": {"redirect_uris": ["https://app.example/cb"]} if path == "/register" else {}}
    elif method == "POST":
        sent = {"data": {"token": "x", "grant_type": "client_credentials", "scope": "nothing"}}
    else:
        sent = {"params": {"after": "x", "instance": "one", "nonce": "n"}}
    return await (http or server.http).request(method, where, auth=None if path == "/register" else auth, **sent)


@pytest.mark.one_database
@pytest.mark.settings(**FEW)
@pytest.mark.requirement("limits:endpoints:a-flood-ends-in-429")
@pytest.mark.parametrize(("path", "method"), [one for one in in_groups(*PROVEN) if one[0] != "/userinfo"])
async def test_a_proven_caller_that_floods_an_endpoint_is_told_when_to_come_back(server, path, method):
    """Decision 12, C38: the budget is the caller's, and another caller's is untouched."""
    is_backchannel = ROUTES[path].group == "backchannel"
    mine, other = ("RS1", "RS2") if is_backchannel else ("M", "N")
    machines, client_id = server.app.machines, server.client(mine).app.client_id
    spent_already = ((machines.approval_requests, 1990), (machines.call_reports, 1990), (machines.feed_requests, 4990))
    for bucket, spent in spent_already:
        for _ in range(spent):
            bucket.take(client_id, server.clock())

    answers = [await ask(server, path, method, name=mine) for _ in range(40)]

    assert 429 == answers[-1].status_code, answers[-1].text
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert 429 != answers[0].status_code
    assert "temporarily_unavailable" == answers[-1].json()["error"]
    if path != "/register" and is_backchannel:
        assert 429 != (await ask(server, path, method, name=other)).status_code


@pytest.mark.one_database
@pytest.mark.settings(**FEW)
@pytest.mark.requirement("limits:endpoints:a-flood-ends-in-429")
async def test_userinfo_is_limited_by_authorization(server):
    """Decision 12: one login that asks too often slows itself alone."""
    one, other = [await server.client("N").sign_in(who, scope="openid orders:read") for who in ("u1", "u1")]

    async def read(token):
        return await server.http.get("/userinfo", headers={"authorization": f"Bearer {token.access_token}"})

    answers = [await read(one) for _ in range(12)]

    assert (200, 429) == (answers[0].status_code, answers[-1].status_code)
    assert 1 <= int(answers[-1].headers["retry-after"])
    assert 200 == (await read(other)).status_code


@pytest.mark.one_database
@pytest.mark.settings(**FEW)
@pytest.mark.requirement("limits:endpoints:a-flood-ends-in-429")
async def test_whoever_floods_a_page_gets_none_while_a_person_who_is_signed_in_goes_on(server):
    """Decision 12: nobody signed in shares a budget with strangers behind the same address; other addresses are free."""
    app = server.client("N")
    await app.sign_in("u1")
    browser = app.browser_of("u1")
    assert 200 == (await browser.open("/account")).status

    flooded = [(await server.http.get("/authorize", params={"client_id": "nobody"})).status_code for _ in range(60)]

    assert 429 == flooded[-1]
    refused = {}
    for path, method in in_groups("page"):
        answer = await server.http.request(method, path.replace("{id}", "x"))
        refused[method, path] = (answer.status_code, "retry-after" in answer.headers, answer.headers["content-type"])
    assert {(429, True, "text/html; charset=utf-8")} == set(refused.values()), refused
    assert 200 == (await browser.open("/account")).status
    forged = {"cookie": "; ".join(f"{name}=invented" for name in ("session_9000", "__Host-session"))}
    assert 429 == (await server.http.get("/login", headers=forged)).status_code, "an invented session is nobody's"
    assert 200 == (await server.http_from("203.0.113.7").get("/login")).status_code
    for free in ("/jwks.json", "/livez", "/readyz", "/static/style.css", "/.well-known/oauth-authorization-server"):
        assert 200 == (await server.http.get(free)).status_code
    server.clock.advance(5)
    assert 200 == (await server.http.get("/login")).status_code


@pytest.mark.one_database
@pytest.mark.settings(**FEW)
@pytest.mark.requirement("limits:endpoints:a-flood-ends-in-429")
async def test_a_signed_in_browser_that_floods_is_told_to_wait(server):
    """Decision 12: a session is a credential, and has a budget as one."""
    app = server.client("N")
    await app.sign_in("u1")
    browser = app.browser_of("u1")

    statuses = [(await browser.open("/account")).status for _ in range(40)]

    assert (200, 429) == (statuses[0], statuses[-1])
    assert 200 == (await server.http.get("/login")).status_code, "others behind its address have theirs"
