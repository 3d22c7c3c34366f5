"""The noun `users` of the admin API."""

import asyncio
from dataclasses import replace

import jwt
import pytest

from authserver.domain.login import login
from authserver.domain.users import user
from tests.support.administered import administered
from tests.support.world import Someone

NEW = {"email": "new@people.example", "name": "New Person", "password": "correct horse battery", "roles": ["member"]}


@pytest.mark.requirement("admin:users:come-and-go")
async def test_somebody_comes_gets_roles_and_goes(server):
    admin = await administered(server)

    made = await admin.call("POST", "/users", "a1", body=NEW)
    path = f"/users/{made.json()['sub']}"
    changed = await admin.change("PATCH", path, "a1", body={"roles": ["member", "approver"]})
    disabled = await admin.change("PATCH", path, "a1", body={"active": False})
    removed = await admin.change("DELETE", path, "a1")

    assert (201, ["member"]) == (made.status_code, made.json()["roles"])
    assert (200, ["member", "approver"]) == (changed.status_code, changed.json()["roles"])
    assert (200, False, ["member", "approver"]) == (
        disabled.status_code,
        disabled.json()["active"],
        disabled.json()["roles"],
    )
    assert 204 == removed.status_code
    assert 404 == (await admin.call("GET", path, "a1")).status_code


@pytest.mark.requirement("admin:users:come-and-go")
async def test_what_a_change_answers_is_what_is_shown_afterwards(server):
    admin = await administered(server)
    path = f"/users/{server.world.people['m1'].subs['t1']}"

    changed = await admin.change("PATCH", path, "a1", body={"roles": ["auditor"]})
    shown = await admin.call("GET", path, "a1")

    assert changed.json() == shown.json()
    assert changed.headers["etag"] == shown.headers["etag"]


@pytest.mark.requirement("admin:users:come-and-go")
async def test_people_are_listed_page_by_page_and_each_once(server):
    admin = await administered(server)
    seen, cursor = [], ""

    while True:
        page = (await admin.call("GET", f"/users?limit=3{cursor}", "a1")).json()
        seen += [one["sub"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"

    everybody = await user.members(server.operator.work("t1"))
    assert [one.sub for one in everybody] == seen


@pytest.mark.requirement("admin:users:accounts-elsewhere-are-not-told")
async def test_somebody_with_an_account_elsewhere_comes_like_somebody_new(server):
    """TN-13: u9 is a member of t2; their password stays theirs, and the answer has the same members."""
    admin = await administered(server)
    theirs = server.world.people["u9"]

    new = await admin.call("POST", "/users", "a1", body=NEW)
    known = await admin.call("POST", "/users", "a1", body=NEW | {"email": theirs.email})

    assert (201, 201) == (new.status_code, known.status_code)
    assert new.json().keys() == known.json().keys()
    assert new.headers.keys() == known.headers.keys()
    await server.client("X").sign_in("u9", resource="https://mcp9.example/mcp")


@pytest.mark.requirement("admin:users:passwords-are-their-own")
async def test_an_administrator_cannot_take_over_a_person_by_a_new_password(server):
    """Who could reset it would be that person in every organisation; the platform may."""
    admin = await administered(server)
    path = f"/users/{server.world.people['u5'].subs['t1']}"

    refused = await admin.change("PUT", f"{path}/password", "a1", body={"password": "mine from now on"}, at=path)
    done = await admin.change(
        "PUT", f"{path}/password?tenant=t1", "p1", body={"password": "theirs from now on"}, at=f"{path}?tenant=t1"
    )

    assert 403 == refused.status_code
    assert (204, b"") == (done.status_code, done.content)


@pytest.mark.requirement("admin:users:a-first-password-opens-one-tenant")
@pytest.mark.parametrize("is_changed_by_whoever_knows_it", [False, True])
async def test_whoever_made_an_account_for_an_address_is_not_them_where_they_are_taken_in_later(
    server, is_changed_by_whoever_knows_it
):
    """Pre-hijacking: t1's administrator knows the password of somebody whom t2 and the platform make administrators."""
    admin = await administered(server)
    mine = {"email": "boss@t2.example", "password": "known to t1's administrator", "roles": ["admin"]}
    made = (await admin.call("POST", "/users", "a1", body=mine)).json()
    for slug, who in (("t2", "a2"), ("platform", "p1")):
        joined = await admin.call("POST", "/users", who, body=mine | {"password": "of their own choosing"})
        assert 201 == joined.status_code, slug
    person = (await user.member_by_sub(server.operator.work("t1"), made["sub"])).person_id
    someone = Someone(email=mine["email"], name="", password=mine["password"], person_id=person)
    if is_changed_by_whoever_knows_it:
        work = server.machines.work(address="192.0.2.1")
        new = "and changed by t1's administrator"
        await login.with_new_password(work, email=someone.email, password=someone.password, new=new)
        assert await work.commit()
        someone = replace(someone, password=new)
    server.world.people["boss"] = someone

    token = await admin.sign_in("boss")
    me = (await admin.call("GET", "/me", token=token)).json()
    elsewhere = [await admin.call("GET", f"/users?tenant={slug}", token=token) for slug in ("t2", "platform")]

    assert admin.tenant("t1") == jwt.decode(token, options={"verify_signature": False})["tenant_id"], me
    assert [404, 404] == [one.status_code for one in elsewhere]
    path = f"/users/{made['sub']}"
    at = f"{path}?tenant=t1"
    vouched = {"password": "set by those who run the deployment"}
    assert 204 == (await admin.change("PUT", f"{path}/password?tenant=t1", "p1", body=vouched, at=at)).status_code
    known, member_of = await user.with_tenants(server.machines.work(), person)
    assert ({admin.tenant(slug) for slug in ("t1", "t2", "platform")}, "") == (set(member_of), known.password_of)


@pytest.mark.requirement("admin:users:nobody-gives-more-than-they-hold")
async def test_whoever_may_only_change_people_makes_no_administrator(server):
    """A machine is always fresh: one with `users:write` alone would make itself a puppet that may do everything."""
    admin = await administered(server)
    other = server.world.people["m1"].subs["t1"]
    token = await admin.sign_in("a1", scope="users:read users:write")
    seen = await admin.call("GET", f"/users/{other}", token=token)
    puppets = [
        await admin.call("POST", "/users", token=token, body=NEW | {"roles": [role]})
        for role in ("admin", "operator", "auditor")
    ]
    promoted = await admin.call(
        "PATCH",
        f"/users/{other}",
        token=token,
        body={"roles": ["admin"]},
        headers={"if-match": seen.headers["etag"]},
    )
    harmless = await admin.call("POST", "/users", token=token, body=NEW)

    assert [403, 403, 403, 403] == [one.status_code for one in (*puppets, promoted)]
    assert 201 == harmless.status_code


@pytest.mark.requirement("admin:users:power-needs-a-fresh-login")
async def test_a_role_that_administers_is_not_given_on_an_old_login(server):
    """Self-promotion, and by a puppet; recorded before it is done."""
    admin = await administered(server)
    own, other = (server.world.people[who].subs["t1"] for who in ("a1", "m1"))
    for who in ("a1", "b1"):
        await admin.token(who)
    server.clock.advance(301)

    promoted = [
        await admin.change("PATCH", f"/users/{own}", "a1", body={"roles": ["admin", "operator"]}),
        await admin.change("PATCH", f"/users/{other}", "a1", body={"roles": ["admin"]}),
        await admin.call("POST", "/users", "a1", body=NEW | {"roles": ["operator"]}),
    ]
    harmless = await admin.change("PATCH", f"/users/{other}", "a1", body={"roles": ["member", "approver"]})

    assert [401, 401, 401] == [one.status_code for one in promoted]
    assert {'Bearer error="insufficient_user_authentication", max_age="300"'} == {
        one.headers["www-authenticate"] for one in promoted
    }
    assert 200 == harmless.status_code


@pytest.mark.requirement("admin:users:power-needs-a-fresh-login")
async def test_a_login_of_the_future_is_not_fresh(server):
    """A clock that was set back must not make every login of the last hour good for what is dangerous."""
    admin = await administered(server)
    own = server.world.people["m1"].subs["t1"]
    server.clock.advance(2 * 3600)
    await admin.token("a1")
    server.clock.advance(-3600)

    promoted = await admin.change("PATCH", f"/users/{own}", "a1", body={"roles": ["admin"]})

    assert 401 == promoted.status_code
    assert "insufficient_user_authentication" in promoted.headers["www-authenticate"]


@pytest.mark.requirement("admin:users:the-last-admin-does-not-vanish")
async def test_the_last_administrator_goes_only_by_saying_so(server):
    admin = await administered(server)
    path = f"/users/{server.world.people['a2'].subs['t2']}"

    by_role = await admin.change("PATCH", path, "a2", body={"roles": []})
    by_status = await admin.change("PATCH", path, "a2", body={"active": False})
    by_removal = await admin.change("DELETE", path, "a2")
    said_so = await admin.change("DELETE", f"{path}?leaves_no_admin=true", "a2", at=path)

    assert [409, 409, 409] == [one.status_code for one in (by_role, by_status, by_removal)]
    assert "urn:authserver:problem:last-admin" == by_role.json()["type"]
    assert 204 == said_so.status_code
    assert 401 == (await admin.call("GET", "/me", "a2")).status_code


@pytest.mark.requirement("admin:users:the-last-admin-does-not-vanish")
async def test_two_administrators_who_remove_each_other_at_once_leave_one(server):
    admin = await administered(server)
    for who in ("b1", "c1", "e1", "u2"):
        await server.operator.set_member(who, "t1", roles=("member",))
    await server.operator.set_member("b1", "t1", roles=("admin",))
    for who in ("a1", "b1"):
        await admin.token(who)
    subs = {who: server.world.people[who].subs["t1"] for who in ("a1", "b1")}

    answers = await asyncio.gather(
        admin.call("PATCH", f"/users/{subs['b1']}", "a1", body={"roles": []}, headers={"if-match": "*"}),
        admin.call("PATCH", f"/users/{subs['a1']}", "b1", body={"roles": []}, headers={"if-match": "*"}),
    )

    left = [one for one in await user.members(server.operator.work("t1")) if "admin" in one.roles]
    assert 1 == len(left), [one.text for one in answers]


@pytest.mark.requirement("admin:users:come-and-go")
async def test_nobody_sets_what_is_not_theirs_to_set(server):
    """AD-04, TN-03: mass assignment is refused by name, and changes nothing."""
    admin = await administered(server)
    path = f"/users/{server.world.people['m1'].subs['t1']}"
    before = (await admin.call("GET", path, "a1")).json()

    refused = [
        await admin.change("PATCH", path, "a1", body={"roles": ["member"], name: value})
        for name, value in {
            "is_admin": True, "tenant_id": admin.tenant("t2"), "tenant": "t2", "created_at": 0, "sub": "usr_x", "id": "x",
            "password_hash": "x", "secret_hash": "x", "jti": "x", "revoked_at": None, "person_id": "x", "email": "x@y.z",
        }.items()
    ]  # fmt: skip

    assert {422} == {one.status_code for one in refused}
    assert before == (await admin.call("GET", path, "a1")).json()
