"""How little a code, a token or a login is worth in other hands, at another server, or after its end."""

from authserver.cli.tour.held import hold
from authserver.cli.tour.walk import Step, Walk, claims


async def _other_resource(walk: Walk) -> str:
    from authserver.domain.resources import resource as resources

    elsewhere = walk.resource.replace("/mcp", "/warehouse")
    acme = walk.tenant("acme")
    work = walk.machines.work()
    resources.add(
        work, uri=elsewhere, name="Warehouse", scopes={"orders:read": resources.ScopeInfo(description="See shelves")}
    )
    resources.link(work, elsewhere, acme)
    hold(await work.commit(), "the second server could not be registered")
    try:
        answer, verifier = await walk.authorize(walk.person("alice"), walk.app, resource=elsewhere, scope="orders:read")
        hold("code" in answer, f"the authorization answered {answer}")
        token = (await walk.redeem(walk.app, answer["code"], verifier)).json()["access_token"]
        hold(claims(token)["aud"] == elsewhere, "the token is not for the second server")
        refused = await walk.call(token, "search_orders")
        hold(refused.status_code == 401, f"the orders server answered {refused.status_code}")
    finally:
        work = walk.machines.work()
        resources.unlink(work, elsewhere, acme)
        resources.remove(work, elsewhere)
        await work.commit()
    unknown, _ = await walk.authorize(walk.person("alice"), walk.app, resource="https://elsewhere.example/mcp")
    hold(unknown.get("error") == "invalid_target", f"an unknown server got {unknown}")
    return "A token for another server is refused here, with the same scope in it; for an unknown server there is none at all."


async def _code_once(walk: Walk) -> str:
    answer, verifier = await walk.authorize(walk.person("alice"), walk.app, scope="orders:read")
    hold(answer.get("iss") == walk.issuer, "the answer does not say who gave it")
    first = await walk.redeem(walk.app, answer["code"], "x" * 64)
    hold(first.json().get("error") == "invalid_grant", f"a wrong verifier got {first.text[:100]}")
    answer, verifier = await walk.authorize(walk.person("alice"), walk.app, scope="orders:read")
    won = await walk.redeem(walk.app, answer["code"], verifier)
    hold(won.status_code == 200, f"the code got {won.text[:100]}")
    again = await walk.redeem(walk.app, answer["code"], verifier)
    hold(again.json().get("error") == "invalid_grant", f"the second use got {again.text[:100]}")
    dead = await walk.refresh(walk.app, won.json()["refresh_token"])
    hold(dead.json().get("error") == "invalid_grant", "what the replayed code had given goes on living")
    return "A code works once, with its verifier alone; a second use is a theft, and ends what the first one got."


async def _rotation(walk: Walk) -> str:
    answer, verifier = await walk.authorize(walk.person("alice"), walk.app, scope="orders:read")
    first = (await walk.redeem(walk.app, answer["code"], verifier)).json()["refresh_token"]
    second = (await walk.refresh(walk.app, first)).json()["refresh_token"]
    retried = (await walk.refresh(walk.app, first)).json()["refresh_token"]
    hold(second != first, "the refresh token did not change")
    hold(retried == second, "a retry got another token: two branches would live")
    return "A refresh token changes with each use, and a client that missed the answer gets the same one again."


async def _replay(walk: Walk) -> str:
    from authserver.domain.clients import registry

    work = walk.machines.work(tenant="*")
    strict = registry.add(
        work,
        name="Tour, strict",
        auth_method="none",
        grant_types=("authorization_code", "refresh_token"),
        redirect_uris=("http://127.0.0.1/callback",),
        refresh_replay_seconds=0,
    ).client
    hold(await work.commit(), "the strict client could not be registered")
    try:
        answer, verifier = await walk.authorize(walk.person("alice"), strict.id, scope="orders:read")
        stolen = (await walk.redeem(strict.id, answer["code"], verifier)).json()["refresh_token"]
        fresh = (await walk.refresh(strict.id, stolen)).json()["refresh_token"]
        replayed = await walk.refresh(strict.id, stolen)
        hold(replayed.json().get("error") == "invalid_grant", f"the replay got {replayed.text[:100]}")
        ended = await walk.refresh(strict.id, fresh)
        hold(ended.json().get("error") == "invalid_grant", "the family outlived the replay")
    finally:
        work = walk.machines.work()
        registry.remove(work, strict)
        await work.commit()
    return "Where no retry is allowed, a used refresh token means theft: the thief and the owner both have to log in again."


async def _asked_and_revoked(walk: Walk) -> str:
    answer, verifier = await walk.authorize(walk.person("alice"), walk.app, scope="orders:read")
    got = (await walk.redeem(walk.app, answer["code"], verifier)).json()
    hold(await walk.is_active(got["access_token"]) is True, "the server was not told of a token that is meant for it")
    hold(await walk.is_active(got["refresh_token"]) is False, "the server was told of a refresh token")
    ended = await walk.http.post(f"{walk.issuer}/revoke", data={"client_id": walk.app, "token": got["refresh_token"]})
    hold(ended.status_code == 200, f"the revocation got {ended.text[:100]}")
    hold(await walk.is_active(got["access_token"]) is False, "the access token outlived what it came from")
    refused = await walk.refresh(walk.app, got["refresh_token"])
    hold(refused.json().get("error") == "invalid_grant", f"the revoked refresh token got {refused.text[:100]}")
    return "A server asks whether a token still lives, and is told; once its client revoked the login, it does not, at once."


async def _robot(walk: Walk) -> str:
    robot = next(client for client in walk.facts["clients"] if "client_credentials" in client["grant_types"])
    answered = await walk.http.post(
        f"{walk.issuer}/token",
        auth=(robot["client_id"], robot["client_secret"]),
        data={"grant_type": "client_credentials", "resource": walk.resource, "scope": "orders:read"},
    )
    hold(answered.status_code == 200, f"the robot got {answered.text[:100]}")
    token = answered.json()["access_token"]
    hold(claims(token)["sub"] == f"client:{robot['client_id']}", "the token does not say that no person is behind it")
    hold((await walk.call(token, "search_orders")).status_code == 200, "the robot cannot read")
    refused = await walk.call(token, "update_order", order_id="A-1001", status="open")
    hold(refused.status_code == 403, f"the robot's write got {refused.status_code}")
    return "A machine client with a secret of its own reads Acme's orders without a person, and writes nothing."


async def _disabled(walk: Walk) -> str:
    from authserver.domain.users import user as users

    answer, verifier = await walk.authorize(walk.person("gina"), walk.app, scope="orders:read")
    refresh_token = (await walk.redeem(walk.app, answer["code"], verifier)).json()["refresh_token"]
    globex = walk.tenant("globex")
    person = await users.person_by_email(walk.machines.work(), walk.person("gina").email)
    hold(person is not None, "Gina is gone")
    assert person is not None

    async def set_active(*, is_active: bool) -> None:
        work = walk.machines.work(tenant=globex)
        member = await users.member_by_person(work, person.id)
        assert member is not None
        users.change_member(work, member, is_active=is_active)
        hold(await work.commit(), "Gina's membership could not be changed")

    await set_active(is_active=False)
    try:
        refused = await walk.refresh(walk.app, refresh_token)
        hold(refused.json().get("error") == "invalid_grant", f"Gina's refresh got {refused.text[:100]}")
    finally:
        await set_active(is_active=True)
    ended = await walk.refresh(walk.app, refresh_token)
    hold(ended.json().get("error") == "invalid_grant", f"let back in, Gina's old login got {ended.text[:100]}")
    answer, verifier = await walk.authorize(walk.person("gina"), walk.app, scope="orders:read")
    again = await walk.redeem(walk.app, answer["code"], verifier)
    hold(again.status_code == 200, f"let back in, Gina's new login got {again.text[:100]}")
    return "An operator disables Gina: her very next refresh is refused, and stays so. Let back in, she logs in anew."


STEPS: tuple[Step, ...] = (_other_resource, _code_once, _rotation, _replay, _asked_and_revoked, _robot, _disabled)
