"""A stolen disk names nobody (decision 15): people are ciphertext, and secrets are hashes."""

import asyncio

import pytest

from tests.support.world import R1


async def a_day_of_work(server):
    """Do everything that stores something, and return every secret and name that went through."""
    app, other, person = server.client("P"), server.client("B"), server.world.people["u1"]
    tokens = await app.sign_in()
    refreshed = await app.refresh(tokens)
    code = await app.authorize()
    verifier = app.verifier
    await app.redeem(code, code_verifier="w" * 43)
    confidential = await other.sign_in()
    machine = await server.client("M").client_credentials()
    browser = server.browser()
    form = (await browser.open("/login")).form("password")
    await browser.submit_once(form, email=person.email, password="a-wrong-password-canary")
    await browser.submit_once(form, email="Somebody.Unknown@example.com", password="another-canary")
    return {
        "names": [person.name, "Findable-Name", person.email, person.email.lower(), person.email.split("@")[0], "Somebody.Unknown"],
        "secrets": [
            person.password, "a-wrong-password-canary", "another-canary", code.code, tokens.refresh_token,
            refreshed.refresh_token, confidential.refresh_token, tokens.access_token, machine.access_token,
            other.app.secret, server.client("M").app.secret, verifier, *app.browser_of("u1").cookies.values(),
        ],
    }  # fmt: skip


def everything_at_rest(server, templates):
    """Return every byte of the database: the files of SQLite, or every row of every table of PostgreSQL."""
    if server.place.kind == "sqlite":
        return server.bytes_at_rest()
    import asyncpg

    async def dump():
        name = server.place.url.rpartition("/")[2].partition("?")[0]
        admin = templates._postgres().admin_url.rpartition("/")[0] + f"/{name}"
        connection = await asyncpg.connect(admin)
        try:
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            texts = []
            for row in tables:
                for found in await connection.fetch(f'SELECT * FROM "{row[0]}"'):
                    texts += [value if isinstance(value, bytes) else str(value).encode() for value in found.values()]
            return b"\n".join(texts)
        finally:
            await connection.close()

    from tests.support.postgres import blocking

    return blocking(dump())


@pytest.mark.requirement("ours:personal-data:names-nobody-at-rest")
async def test_no_name_and_no_address_stands_in_any_byte_of_the_database(server, templates):
    """Decision 15: rows, write-ahead log, audit events, failed logins of unknown addresses; in any case."""
    seen = await a_day_of_work(server)

    rest = (await asyncio.to_thread(everything_at_rest, server, templates)).lower()

    assert len(rest) > 10_000
    assert [] == [name for name in seen["names"] if name.lower().encode() in rest]


@pytest.mark.requirement("ours:secrets:hashed-at-rest")
async def test_no_secret_stands_in_any_byte_of_the_database(server, templates):
    """Decision 8, C09: passwords, codes, refresh and access tokens, client secrets, cookies, verifiers."""
    seen = await a_day_of_work(server)

    rest = await asyncio.to_thread(everything_at_rest, server, templates)

    assert server.client("P").app.client_id.encode() in rest
    assert R1.encode() in rest
    assert [] == [secret for secret in seen["secrets"] if secret.encode() in rest]


@pytest.mark.requirement("ours:personal-data:found-without-being-stored")
async def test_a_person_is_found_by_a_keyed_hash_of_their_address(server):
    """Decision 15: the blind index is keyed, so a list of addresses cannot be tried against a stolen disk."""
    import hashlib

    from authserver.domain.users import user

    email = server.world.people["u1"].email
    found = await user.person_by_email(server.operator.work(), f"  {email.upper()} ")
    index = user.email_index(server.operator.work(), email)

    assert server.world.people["u1"].person_id == found.id
    assert index != hashlib.sha256(email.lower().encode()).digest()
    assert 32 == len(index)


@pytest.mark.one_database
@pytest.mark.requirement("ours:personal-data:erasing-the-key-erases-the-person")
async def test_erasing_a_persons_key_erases_their_name_and_address_and_nothing_else(server):
    """Decision 15: one row changes; what is left is ciphertext nobody can read, and the server still runs."""
    import sqlite3
    from contextlib import closing

    from authserver.domain.users import user

    person = server.world.people["u1"]
    with closing(sqlite3.connect(server.place.url.removeprefix("sqlite:///"))) as connection:
        connection.execute("UPDATE persons SET data_key = NULL WHERE person_id = ?", (person.person_id,))
        connection.commit()

    erased = await user.person_by_id(server.operator.work(), person.person_id)
    others = await user.members(server.operator.work("t1"))

    assert ("", "") == (erased.email, erased.name)
    assert server.world.people["u2"].email in {member.email for member in others}
