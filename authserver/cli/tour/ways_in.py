"""
Other ways in than a known application's login, and how each ends.

A client that nobody registered, a device without a browser, a server that acts for its caller at another one, and a program
with an API key. What a person let in, they end themselves, on their account page.
"""

from authserver.cli.tour.held import NotHeldError, hold
from authserver.cli.tour.walk import Step, Walk, claims, connected
from authserver.oauth.exchange_parameters import ACCESS_TOKEN, API_KEY

_STRANGER = "Tour stranger"


async def _unknown_client(walk: Walk) -> str:
    alice = walk.person("alice", tools=frozenset({"delete_order"}))
    async with connected(walk, alice, is_registered=False, name=_STRANGER) as session:
        walk.guest = session.memory
        record = session.memory.client
        hold(record is not None and record.client_id != walk.app, "the SDK did not register itself")
        page = alice.saw[0]
        hold(_STRANGER in page.text and "Name not verified" in page.text, "the page vouches for a name nobody checked")
        found = await session.call("search_orders", query="desk")
        hold(isinstance(found, dict) and found["orders"], f"search_orders answered {found}")
        hold(not [one for one in claims(session.token)["scope"].split() if one.startswith("tool:")], "it may write")
    return (
        "An application that nobody registered makes itself known, and Alice is told that its name is not verified; "
        "it reads, and no more."
    )


async def _taken_back(walk: Walk) -> str:
    from authserver.domain.clients import registry

    guest = walk.guest
    if guest is None or guest.client is None or guest.tokens is None:
        raise NotHeldError("nobody made itself known")
    client_id, kept = str(guest.client.client_id), str(guest.tokens.refresh_token)
    renewed = await walk.refresh(client_id, kept)
    hold(renewed.status_code == 200, f"before, its refresh got {renewed.text[:100]}")
    token, kept = renewed.json()["access_token"], renewed.json()["refresh_token"]
    hold(await walk.is_active(token) is True, "before, its token was called dead")
    page, said = await walk.person("alice").end_on_account_page(
        f"{walk.issuer}/account", f"/disconnect?tenant=acme&client={client_id}&"
    )
    hold(_STRANGER in page.text and "Demo app" in page.text, "the account page does not show what is connected")
    hold("Disconnected." in said and _STRANGER not in said, f"afterwards the page says {said[:200]}")
    hold(await walk.is_active(token) is False, "its token outlived the disconnection")
    refused = await walk.refresh(client_id, kept)
    hold(refused.json().get("error") == "invalid_grant", f"its refresh got {refused.text[:100]}")
    hold((await walk.call(walk.session.token, "search_orders")).status_code == 200, "another application went with it")
    stranger = await registry.find(walk.machines.work(), client_id)
    if stranger is not None:
        work = walk.machines.work(tenant=stranger.tenant)
        registry.remove(work, stranger)
        await work.commit()
    return (
        "On her account page Alice disconnects that application and no other: its refresh is refused and the server, "
        "asking, is told that its token is dead, at once."
    )


async def _device(walk: Walk) -> str:
    asked = {"client_id": walk.app, "resource": walk.resource, "scope": "orders:read"}
    started = (await walk.http.post(f"{walk.issuer}/device_authorization", data=asked)).json()
    hold("user_code" in started, f"the device got {started}")

    poll = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": started["device_code"]}
    waiting = await walk.token(walk.app, **poll)
    hold(waiting.json().get("error") == "authorization_pending", f"before anybody's yes it got {waiting.text[:100]}")
    alice = walk.person("alice")
    said = await alice.connect_device(started["verification_uri"], started["user_code"])
    hold(started["user_code"] in alice.saw[0].text, "the page does not show which device it is")
    hold("Your device goes on by itself" in said, f"after her yes the page says {said[:200]}")
    got = await walk.token(walk.app, **poll)
    hold(got.status_code == 200, f"the device got {got.text[:100]}")
    hold((await walk.call(got.json()["access_token"], "search_orders")).status_code == 200, "the device cannot read")
    again = await walk.token(walk.app, **poll)
    hold(again.json().get("error") == "invalid_grant", f"a second fetch got {again.text[:100]}")
    ended = await walk.http.post(
        f"{walk.issuer}/revoke", data={"client_id": walk.app, "token": got.json()["refresh_token"]}
    )
    hold(ended.status_code == 200, f"the device's log-out got {ended.text[:100]}")
    return "A device without a browser shows a code; Alice types it, sees who asks for what, says yes, and the device is in, once."


async def _exchange(walk: Walk) -> str:
    upstream, server = walk.facts["upstream"], walk.credential("resource_server")
    alice = walk.person("alice")
    answer, verifier = await walk.authorize(alice, walk.app, scope="orders:read customers:read")
    hold(upstream["name"] in alice.saw[0].text, "the consent page does not say where the server may act for her")
    login = (await walk.redeem(walk.app, answer["code"], verifier)).json()
    held = login["access_token"]

    async def trade(**asked: str) -> dict[str, object]:
        answered = await walk.exchange(server, subject_token=held, subject_token_type=ACCESS_TOKEN, **asked)
        return dict(answered.json())

    got = await trade(resource=upstream["resource"], scope="shipments:read")
    hold("access_token" in got and "refresh_token" not in got, f"the exchange got {got.get('error', list(got))}")
    token = str(got["access_token"])
    carried = claims(token)
    hold(carried["aud"] == upstream["resource"] and carried["scope"] == "shipments:read", f"it is for {carried['aud']}")
    hold(carried["sub"] == claims(held)["sub"], "it speaks for somebody else")
    hold(carried["act"] == {"sub": f"client:{server[0]}"}, f"it does not name who acts: {carried.get('act')}")
    hold(carried["exp"] <= claims(held)["exp"], "it outlives what it was traded for")
    wider = await trade(resource=upstream["resource"], scope="shipments:write")
    hold(wider.get("error") == "invalid_scope", f"for more it got {wider}")
    elsewhere = await trade(resource="https://elsewhere.example/api")
    hold(elsewhere.get("error") == "invalid_target", f"for a server that nobody named it got {elsewhere}")
    hold((await walk.call(token, "search_orders")).status_code == 401, "the token works at the orders server too")
    hold(await walk.is_active(token, at="upstream") is True, "the upstream API was not told of its token")
    hold(await walk.is_active(token) is False, "the orders server was told of a token that is not for it")
    await walk.http.post(f"{walk.issuer}/revoke", data={"client_id": walk.app, "token": login["refresh_token"]})
    hold(await walk.is_active(token, at="upstream") is False, "it outlived the login that it came from")
    return (
        f"As the page told her, the orders server trades Alice's token for a narrower one of {upstream['name']}, which names who acts for whom; "
        "more, or another server, it does not get, and it ends with her login."
    )


async def _api_key(walk: Walk) -> str:
    from authserver.domain.api_keys import api_key
    from authserver.domain.resources import resource as resources
    from authserver.domain.users import user as users

    alice = walk.person("alice")
    person = await users.person_by_email(walk.machines.work(), alice.email)
    work = walk.machines.work(tenant=walk.tenant("acme"))
    owner = await users.member_by_person(work, person.id) if person is not None else None
    served = await resources.by_uri(work, walk.resource)
    if owner is None or served is None:
        raise NotHeldError("Alice or the orders server is gone")
    made = api_key.add(
        work, owner=owner, name="Tour script", resource=served, scope=("orders:read",), days=1, issuer_path=""
    )
    hold(await work.commit(), "the key could not be made")
    offered = {"subject_token": made.secret, "subject_token_type": API_KEY}
    hold((await walk.call(made.secret, "search_orders")).status_code == 401, "the key itself opens the server")
    wider = await walk.exchange(None, **offered, scope="customers:read")
    hold(wider.json().get("error") == "invalid_scope", f"for more than it holds the key got {wider.text[:100]}")
    got = await walk.exchange(None, **offered)
    hold(got.status_code == 200, f"the key got {got.text[:100]}")
    token = got.json()["access_token"]
    hold(got.json()["expires_in"] <= 600, "what it got lives longer than ten minutes")
    hold((await walk.call(token, "search_orders")).status_code == 200, "what it got cannot read")
    page, said = await alice.end_on_account_page(f"{walk.issuer}/account", f"key={made.key.id}")
    hold("Tour script" in page.text and made.secret not in page.text, "her account page does not show the key as it is")
    hold("That API key is ended." in said, f"afterwards the page says {said[:200]}")
    refused = await walk.exchange(None, **offered)
    hold(refused.json().get("error") == "invalid_request", f"the ended key got {refused.text[:100]}")
    hold(await walk.is_active(token) is False, "what it got outlived the key")
    return "An API key opens nothing by itself: a program trades it for a token of minutes, and both die when Alice ends the key on her account page."


STEPS: tuple[Step, ...] = (_unknown_client, _taken_back, _device, _exchange, _api_key)
