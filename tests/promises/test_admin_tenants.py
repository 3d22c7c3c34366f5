"""The noun `tenants` of the admin API, and what every noun has from its frame."""

import asyncio
import subprocess
import sys

import pytest

from authserver.domain.audit import event
from authserver.domain.tenants import tenant as tenants
from tests.support.administered import administered

NEW = {"slug": "fourth", "name": "Fourth Customer"}


def without_instance(response):
    """The body but for the request's own id."""
    return {name: value for name, value in response.json().items() if name != "instance"}


@pytest.mark.requirement("admin:tenants:own-alone")
async def test_an_administrator_sees_their_own_tenant_and_no_other(server):
    admin = await administered(server)
    own, other = admin.tenant("t1"), admin.tenant("t2")

    listed = await admin.call("GET", "/tenants", "a1")
    theirs, nobodys = [
        await admin.call("GET", f"/tenants/{wanted}", "a1") for wanted in (other, "ten_aaaaaaaaaaaaaaaa")
    ]

    assert [own] == [one["id"] for one in listed.json()["items"]]
    assert [404, 404] == [theirs.status_code, nobodys.status_code]
    assert without_instance(theirs) == without_instance(nobodys)
    assert len(theirs.content) == len(nobodys.content)


@pytest.mark.requirement("admin:tenants:own-alone")
async def test_an_administrator_changes_the_name_of_their_tenant_and_cannot_suspend_it(server):
    admin = await administered(server)
    path = f"/tenants/{admin.tenant('t1')}"

    renamed = await admin.change("PATCH", path, "a1", body={"name": "First and Best"})
    suspended = await admin.change("PATCH", path, "a1", body={"active": False})

    assert (200, "First and Best") == (renamed.status_code, renamed.json()["name"])
    assert 403 == suspended.status_code
    assert (await admin.call("GET", path, "a1")).json()["active"]


@pytest.mark.requirement("admin:tenants:platform-makes-and-removes")
async def test_the_platform_makes_suspends_and_removes_a_tenant(server):
    admin = await administered(server)

    made = await admin.call("POST", "/tenants", "p1", body=NEW)
    path = made.headers["location"].removeprefix(admin.base)
    suspended = await admin.change("PATCH", path, "p1", body={"active": False})
    removed = await admin.change("DELETE", path, "p1")

    assert (201, "fourth") == (made.status_code, made.json()["slug"])
    assert (200, False) == (suspended.status_code, suspended.json()["active"])
    assert 204 == removed.status_code, removed.text
    assert 404 == (await admin.call("GET", path, "p1")).status_code
    work = server.machines.work(tenant=admin.tenant("platform"))
    asked = [row for row in await event.recent(work) if row["kind"] == event.Kind.ADMIN_ASKED]
    assert 2 == len(asked)


@pytest.mark.requirement("admin:tenants:platform-makes-and-removes")
async def test_a_tenant_with_members_is_not_removed_and_the_platform_not_at_all(server):
    admin = await administered(server)

    refused = [await admin.change("DELETE", f"/tenants/{admin.tenant(slug)}", "p1") for slug in ("t1", "platform")]
    imitated = await admin.call("POST", "/tenants", "p1", body={"slug": "platform", "name": "We"})

    assert [409, 409] == [one.status_code for one in refused]
    assert 422 == imitated.status_code
    assert await tenants.by_slug(server.machines.work(), "t1")


@pytest.mark.requirement("admin:changes:of-the-state-that-was-seen")
async def test_a_change_without_or_with_an_old_etag_changes_nothing(server):
    admin = await administered(server)
    path = f"/tenants/{admin.tenant('t1')}"
    seen = (await admin.call("GET", path, "a1")).headers["etag"]

    blind = await admin.call("PATCH", path, "a1", body={"name": "Blind"})
    first = await admin.call("PATCH", path, "a1", body={"name": "First"}, headers={"if-match": seen})
    late = await admin.call("PATCH", path, "b1", body={"name": "Late"}, headers={"if-match": seen})

    assert [428, 200, 412] == [one.status_code for one in (blind, first, late)]
    assert "First" == (await admin.call("GET", path, "a1")).json()["name"]


@pytest.mark.requirement("admin:changes:of-the-state-that-was-seen")
async def test_of_many_who_change_what_they_saw_at_once_one_does(server):
    admin = await administered(server)
    path = f"/tenants/{admin.tenant('t1')}"
    seen = (await admin.call("GET", path, "a1")).headers["etag"]

    answers = await asyncio.gather(
        *(
            admin.call("PATCH", path, "a1", body={"name": f"Name {number}"}, headers={"if-match": seen})
            for number in range(12)
        )
    )

    assert [200] + [412] * 11 == sorted(one.status_code for one in answers)


@pytest.mark.requirement("admin:posts:once-for-each-key")
async def test_the_same_key_makes_one_tenant_and_another_request_with_it_is_refused(server):
    admin = await administered(server)
    key = {"idempotency-key": "once-and-for-all"}

    answers = await asyncio.gather(*(admin.call("POST", "/tenants", "p1", body=NEW, headers=key) for _ in range(6)))
    other = await admin.call("POST", "/tenants", "p1", body=NEW | {"name": "Other"}, headers=key)

    assert {(201, answers[0].content)} == {(one.status_code, one.content) for one in answers}
    assert 5 == sum("idempotency-replayed" in one.headers for one in answers)
    assert 422 == other.status_code


@pytest.mark.requirement("admin:cursors:sealed")
async def test_a_cursor_goes_on_where_it_was_and_no_other_byte_does(server):
    admin = await administered(server)
    first = (await admin.call("GET", "/tenants?limit=2", "p1")).json()

    second = (await admin.call("GET", f"/tenants?limit=2&cursor={first['next']}", "p1")).json()
    forged = [
        (await admin.call("GET", f"/tenants?limit=2&cursor={_changed(first['next'], place)}", "p1")).status_code
        for place in range(len(first["next"]))
    ]
    elsewhere = await admin.call("GET", f"/tenants?cursor={first['next']}", "a1")

    assert ["platform", "t1", "t2", "t3"] == [one["slug"] for one in first["items"] + second["items"]]
    assert second["next"] is None
    assert {400} == set(forged)
    assert 400 == elsewhere.status_code


def _changed(cursor, place):
    return cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]


@pytest.mark.one_database
@pytest.mark.requirement("admin:cost:imported-at-its-first-request")
def test_a_server_that_nobody_administers_never_loads_the_framework():
    """Its start and its idle memory are what they were."""
    looked = "import sys, authserver.app; print([name for name in ('fastapi', 'starlette') if name in sys.modules])"

    said = subprocess.run([sys.executable, "-c", looked], capture_output=True, text=True, check=True, timeout=120)

    assert "[]" == said.stdout.strip()
