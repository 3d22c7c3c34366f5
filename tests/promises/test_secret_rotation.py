"""A client's credential rotates in one operation, and a machine ends unless somebody renews it (design §4, profile `system`)."""

import asyncio

import pytest

from authserver import jobs
from authserver.domain.audit import event
from authserver.domain.clients import registry
from tests.promises.test_api_keys import exchange
from tests.support import assertions

HOUR, DAY = 3600, 24 * 3600


@pytest.mark.requirement("secrets:rotation:overlaps")
@pytest.mark.parametrize("letter", ["M", "S"])
async def test_the_old_secret_works_for_the_overlap_and_no_longer(server, letter):
    """Both at once, then one: after a restart too, and to the second."""
    old = server.client(letter)
    new = server.client(letter, secret=await server.operator.rotate_secret(old.app, overlap_s=2 * HOUR))

    async def known(app):
        """Whether the credential is believed; what it may ask for is another question."""
        return (await app.client_credentials()).error != "invalid_client"

    at_once = await known(old), await known(new)
    server.clock.advance(2 * HOUR - 1)
    await server.restart()
    late = await known(server.client(letter)), await known(new)
    server.clock.advance(1)
    after = await known(server.client(letter)), await known(new)

    assert ((True, True), (True, True), (False, True)) == (at_once, late, after)


@pytest.mark.requirement("secrets:rotation:overlaps")
async def test_without_an_overlap_the_old_secret_is_dead_at_once(server):
    """For a secret that leaked: no worker remembers it."""
    old = server.client("M")
    assert (await old.client_credentials()).ok

    new = server.client("M", secret=await server.operator.rotate_secret(old.app))

    assert "invalid_client" == (await old.client_credentials()).error
    assert (await new.client_credentials()).ok


@pytest.mark.requirement("secrets:rotation:two-at-most")
async def test_a_second_rotation_inside_an_overlap_ends_the_oldest_at_once(server):
    """Never three secrets: whoever rotates because one leaked is done with it."""
    first = server.client("M")
    second = server.client("M", secret=await server.operator.rotate_secret(first.app, overlap_s=DAY))
    third = server.client("M", secret=await server.operator.rotate_secret(first.app, overlap_s=DAY))

    works = [(await app.client_credentials()).ok for app in (first, second, third)]
    last = server.client("M", secret=await server.operator.rotate_secret(first.app))

    assert [False, True, True] == works
    assert [False, False, False, True] == [(await app.client_credentials()).ok for app in (first, second, third, last)]


@pytest.mark.requirement("secrets:rotation:two-at-most")
async def test_of_two_operators_who_rotate_at_once_one_is_told(server):
    """Else one of them would hand out a secret that never worked."""
    app = server.client("M")
    works = [server.operator.work() for _ in range(8)]
    found = [await registry.find(work, app.app.client_id) for work in works]
    secrets = [registry.rotate_secret(work, client, overlap_s=DAY) for work, client in zip(works, found, strict=True)]

    won = await asyncio.gather(*(work.commit() for work in works))
    alive = [(await server.client("M", secret=secret).client_credentials()).ok for secret in secrets]

    assert 1 == sum(won)
    assert list(won) == alive
    assert (await app.client_credentials()).ok


@pytest.mark.requirement("secrets:rotation:overlaps")
async def test_an_overlap_does_not_outlive_the_end_that_the_old_secret_had(server):
    """Rotating a machine that has ended brings its dead secret back for nobody."""
    old = server.client("M")
    server.clock.advance(30 * DAY - HOUR)
    await server.operator.rotate_secret(old.app, overlap_s=DAY)
    before = (await old.client_credentials()).ok
    server.clock.advance(HOUR)
    after = (await old.client_credentials()).error
    server.clock.advance(40 * DAY)
    new = server.client("M", secret=await server.operator.rotate_secret(old.app, overlap_s=DAY))

    assert before
    assert "invalid_client" == after
    assert "invalid_client" == (await old.client_credentials()).error
    assert (await new.client_credentials()).ok


@pytest.mark.requirement("secrets:rotation:old-uses-are-recorded")
async def test_who_still_uses_the_old_secret_stands_in_the_record(server):
    """So that operators can find the deployment they forgot; a busy one does not fill the record."""
    old = server.client("M", address="203.0.113.7")
    new = server.client("M", secret=await server.operator.rotate_secret(old.app, overlap_s=DAY))
    known = await server.operator.events()

    for _ in range(5):
        await old.client_credentials()
        await new.client_credentials()
    server.clock.advance(61)
    await old.client_credentials()
    noted = [row for row in await server.operator.events(besides=known) if row["kind"] == event.Kind.OLD_SECRET_USED]

    assert 2 == len(noted)
    assert {old.app.client_id} == {row["client_id"] for row in noted}
    assert {"203.0.113.7"} == {event.open_payload(server.operator.work("t1"), row)["address"] for row in noted}


@pytest.mark.requirement("secrets:rotation:old-uses-are-recorded")
@pytest.mark.one_database
async def test_a_guess_in_an_overlap_is_not_recorded_as_the_old_secret(server):
    """Only a right secret says who was forgotten."""
    app = server.client("M")
    await server.operator.rotate_secret(app.app, overlap_s=DAY)

    await server.client("M", secret="cs_guess").client_credentials()

    assert event.Kind.OLD_SECRET_USED not in await server.operator.kinds()


@pytest.mark.requirement("secrets:rotation:people-stay-signed-in")
@pytest.mark.parametrize("overlap_s", [0, DAY])
async def test_a_rotation_ends_no_persons_login(server, overlap_s):
    """What people allowed is theirs; the credential only says who asks."""
    app = server.client("B")
    tokens = await app.sign_in()

    secret = await server.operator.rotate_secret(app.app, overlap_s=overlap_s)
    refreshed = await server.client("B", secret=secret).refresh(tokens)

    assert refreshed.ok
    assert overlap_s == 0 or (await app.refresh(refreshed)).ok


@pytest.mark.requirement("secrets:rotation:people-stay-signed-in")
async def test_with_an_overlap_both_secrets_share_the_new_standing_authorization(server):
    """A rotation renews; old and new deployments of one machine are one machine."""
    old = server.client("M")
    before = await old.client_credentials()
    new = server.client("M", secret=await server.operator.rotate_secret(old.app, overlap_s=DAY))

    both = {(await app.client_credentials()).claims["authorization_id"] for app in (old, new)}

    assert 1 == len(both)
    assert before.claims["authorization_id"] not in both


async def rotate_keys(server, app, *keys, overlap_s):
    work = server.operator.work()
    found = await registry.find(work, app.client_id)
    changed = registry.rotate_keys(work, found, assertions.key_set(*keys), overlap_s=overlap_s)
    assert await work.commit()
    return changed


@pytest.mark.requirement("secrets:rotation:keys-overlap")
async def test_keys_rotate_with_an_overlap_of_two_sets(server):
    """The old key ends by itself, a third rotation ends the oldest at once, and 0 ends it now."""
    keys = [server.client("K").app.key, *(assertions.new_key(f"k{n}") for n in (2, 3, 4))]
    first, second, third, fourth = (server.client("K", key=key) for key in keys)

    async def work():
        return [(await app.client_credentials()).ok for app in (first, second, third, fourth)]

    await rotate_keys(server, first.app, keys[1], overlap_s=2 * HOUR)
    overlap = await work()
    await rotate_keys(server, first.app, keys[2], overlap_s=2 * HOUR)
    again = await work()
    server.clock.advance(2 * HOUR)
    later = await work()
    await rotate_keys(server, first.app, keys[3], overlap_s=0)

    assert [True, True, False, False] == overlap
    assert [False, True, True, False] == again
    assert [False, False, True, False] == later
    assert [False, False, False, True] == await work()


@pytest.mark.requirement("secrets:machine:ends")
@pytest.mark.parametrize("letter", ["M", "K"])
@pytest.mark.parametrize("lives_days", [7, 30])
async def test_a_machine_ends_with_its_credential_and_its_authorization(server_with, letter, lives_days):
    """Design §4: used every day, it ends all the same; whoever holds the credential hears why, nobody else."""
    server = await server_with(system_absolute_seconds=lives_days * DAY)
    await server.operator.renew_machines()
    app = server.client(letter)
    for _ in range(lives_days):
        assert (await app.client_credentials()).ok
        server.clock.advance(DAY)

    ended = await app.client_credentials()
    guess = await server.client(
        letter, secret="cs_guess", key=(letter == "K" and assertions.new_key()) or None
    ).client_credentials()

    assert (400, "invalid_grant") == (ended.status, ended.error)
    assert "renew" in ended.body["error_description"]
    assert "invalid_client" == guess.error


@pytest.mark.requirement("secrets:machine:operator-renews")
@pytest.mark.parametrize("letter", ["M", "K"])
async def test_an_operator_renews_a_machine_and_it_begins_anew(server, letter):
    """The same credential, a new standing authorization, thirty days more; and nobody who only uses it can."""
    app = server.client(letter)
    first = await app.client_credentials()
    server.clock.advance(30 * DAY)
    assert "invalid_grant" == (await app.client_credentials()).error

    await server.operator.renew(app.app)
    renewed = await app.client_credentials()
    server.clock.advance(30 * DAY - 1)
    still = (await app.client_credentials()).ok
    server.clock.advance(1)

    assert renewed.claims["authorization_id"] != first.claims["authorization_id"]
    assert still
    assert "invalid_grant" == (await app.client_credentials()).error


@pytest.mark.requirement("secrets:machine:ends")
async def test_a_machine_that_has_ended_gets_nothing_at_any_endpoint(server):
    """Not by a refresh of what a person allowed it, not by a pushed request, not by an API key of its own; until it is renewed."""
    app, machine = server.client("K"), server.client("M")
    server.clock.advance(30 * DAY - 600)
    tokens = await app.sign_in(scope="orders:read")
    key = (await server.operator.add_api_key(app=machine.app, days=90)).secret
    before = await exchange(server, key)
    server.clock.advance(600)

    answers = [await app.refresh(tokens), await app.push(), await app.revoke(tokens.refresh_token)]
    by_key = await exchange(server, key)
    for one in (app, machine):
        await server.operator.renew(one.app)

    assert before.ok
    assert {"invalid_grant"} == {answer.error for answer in answers}
    assert "invalid_request" == by_key.error
    assert (await app.refresh(tokens)).ok
    assert (await exchange(server, key)).ok


@pytest.mark.requirement("secrets:machine:ends")
@pytest.mark.one_database
async def test_no_token_outlives_its_machine(server):
    """Design §4: the last token of a machine ends when it does."""
    app = server.client("M")
    server.clock.advance(30 * DAY - 100)

    last = await app.client_credentials()

    assert 100 >= last.claims["exp"] - server.now


@pytest.mark.requirement("secrets:machine:ends")
@pytest.mark.one_database
async def test_clients_of_people_do_not_end(server):
    """Only machines have nobody who would notice."""
    app = server.client("B")
    server.clock.advance(100 * DAY)

    assert (await app.sign_in()).ok


@pytest.mark.requirement("secrets:machine:end-is-announced")
async def test_the_end_of_a_machine_is_announced_once_before_it_comes(server, capsys):
    """By one of many processes, in the tenant's own record; a renewal moves it and is announced in its turn."""
    app = server.client("M")

    async def announced(*, after_s):
        server.clock.advance(after_s)
        await asyncio.gather(*(jobs.announce_ends(server.machines) for _ in range(4)))
        found = [row for row in await server.operator.events() if row["kind"] == event.Kind.CLIENT_ENDING]
        return [row["client_id"] for row in found].count(app.app.client_id)

    early = await announced(after_s=23 * DAY - 1)
    near = await announced(after_s=1)
    again = await announced(after_s=DAY)
    await server.operator.renew(app.app)
    renewed = await announced(after_s=DAY)
    next_time = await announced(after_s=22 * DAY)

    assert (0, 1, 1, 1, 2) == (early, near, again, renewed, next_time)
    assert app.app.client_id in capsys.readouterr().out
    assert event.Kind.CLIENT_ENDING not in await server.operator.kinds(None)


@pytest.mark.requirement("secrets:machine:end-is-announced")
@pytest.mark.one_database
@pytest.mark.settings(system_announce_seconds=3 * DAY)
async def test_an_operator_chooses_how_long_before(server):
    """A setting, and half a life at most."""
    server.clock.advance(27 * DAY - 1)
    await jobs.announce_ends(server.machines)
    early = await server.operator.kinds()
    server.clock.advance(1)
    await jobs.announce_ends(server.machines)

    assert event.Kind.CLIENT_ENDING not in early
    assert event.Kind.CLIENT_ENDING in await server.operator.kinds()
