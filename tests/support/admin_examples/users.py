"""Examples of the noun `users`."""

import secrets

from authserver.domain.users import user
from tests.support.admin_examples.example import Example

NOBODYS = {"sub": "usr_aaaaaaaaaaaaaaaa"}


def _somebody():
    return f"{secrets.token_hex(6)}@made.example"


async def member(admin):
    work = admin.server.machines.work(tenant=admin.tenant("t1"))
    person = user.add_person(work, email=_somebody(), name="Made", password_hash=None)
    sub = user.add_member(work, person_id=person, roles=("member",))
    assert await work.commit()
    return {"sub": sub}


EXAMPLES = {
    ("GET", "/users"): Example(),
    ("POST", "/users"): Example(
        body=lambda *_: {"email": _somebody(), "name": "New", "password": "correct horse", "roles": ["member"]}, ok=201
    ),
    ("POST", "/users/find"): Example(body={"email": "a1@admins.example"}),
    ("GET", "/users/{sub}"): Example(make=member, strange=NOBODYS),
    ("PATCH", "/users/{sub}"): Example(make=member, strange=NOBODYS, body={"roles": ["member", "approver"]}),
    ("DELETE", "/users/{sub}"): Example(make=member, strange=NOBODYS, ok=204),
    ("PUT", "/users/{sub}/password"): Example(
        by="p1", make=member, strange=NOBODYS, query="tenant=t1", body={"password": "another horse"}, ok=204
    ),
}
