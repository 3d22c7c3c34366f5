"""`authserver webhook`: an operator says where a tenant is told, sees what became of it, and sees the secret once."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.deployment import Deployment, logs_kept
from tests.support.internet import Answer, Internet
from tests.support.receiver import verify

URL = "https://hooks.acme.example/path-of-theirs?token=canary"


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    with logs_kept():
        yield


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    made = Deployment.migrated(tmp_path_factory.mktemp("webhooks"))
    with logs_kept():
        made.told("tenant", "add", "acme")
    return made


@pytest.fixture
def acme(migrated: Deployment, tmp_path: Path) -> Deployment:
    return migrated.copied(tmp_path)


AT = ("--tenant", "acme")


@contextmanager
def listening(answer: Answer):
    """Serve on loopback from another thread: a command has a loop of its own."""
    internet, loop = Internet(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(job):
        return asyncio.run_coroutine_threadsafe(job, loop).result(10)

    async def close():
        async with internet.running():
            pass
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    try:
        yield run(internet.serve(lambda path, headers: answer, tls=False))
    finally:
        run(close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.requirement("cli:webhook:add-list-show-test-set-rotate-disable-remove")
def test_a_webhook_lives_from_add_to_remove(acme: Deployment):
    """The secret is shown by add and rotate, the address without its query by show, and neither by anything else."""
    added = acme.told("webhook", "add", URL, *AT, "--event", "approval.requested")
    webhook_id = added["webhook_id"]
    rotated = acme.told("webhook", "rotate", webhook_id, *AT, "--yes")
    disabled = acme.told("webhook", "disable", webhook_id, *AT, "--yes")
    listed = acme.told("webhook", "list", *AT)
    active = acme.told("webhook", "set", webhook_id, *AT, "--active")
    shown = acme.told("webhook", "show", webhook_id, *AT)
    removed = acme.told("webhook", "remove", webhook_id, *AT, "--yes")

    assert added["secret"].startswith("whsec_")
    assert added["secret"] != rotated["secret"]
    assert ("https://hooks.acme.example", ["approval.requested"]) == (added["host"], added["events"])
    assert ["active", "disabled", "active"] == [added["state"], disabled["state"], active["state"]]
    assert [disabled] == listed
    assert "https://hooks.acme.example/path-of-theirs?…" == shown["url"]
    assert [] == shown["told"]
    for said in (disabled, listed, active, shown):
        assert "whsec_" not in str(said)
        assert "canary" not in str(said)
    assert {"removed": webhook_id} == removed
    assert [] == acme.told("webhook", "list", *AT)


@pytest.mark.requirement("cli:webhook:add-list-show-test-set-rotate-disable-remove")
@pytest.mark.parametrize(("status", "code", "failure"), [(204, 0, None), (500, 1, "status_500")])
def test_test_makes_one_signed_call_and_says_what_became_of_it(acme: Deployment, status, code, failure):
    """So that an operator knows before the first call waits."""
    env = acme.folder / "env"
    env.write_text(env.read_text() + "AUTHSERVER_CIMD_ALLOW_LOOPBACK=true\n")
    with listening(Answer(status=status)) as listener:
        added = acme.told("webhook", "add", f"http://127.0.0.1:{listener.port}/", *AT)

        result = acme.run("webhook", "test", added["webhook_id"], *AT, "--json")

    assert code == result.exit_code, result.output
    posted = listener.posted[0]
    at = int(posted.headers["webhook-timestamp"])
    assert "webhook.test" == verify(added["secret"], posted.headers, posted.body, now=at, seen=set())["type"]
    assert (f'"failure": "{failure}"' if failure else '"failure": null') in result.stdout


@pytest.mark.requirement("cli:webhook:says-what-is-wrong")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("add", "http://hooks.acme.example/", *AT), 2, "It must be https"),
        (("add", "https://user:canary@hooks.acme.example/", *AT), 2, "without user"),
        (("add", "https://10.0.0.7/", *AT), 2, "at a host name"),
        (("add", URL, *AT, "--event", "approval.guessed"), 2, "is none of approval.requested"),
        (("add", URL, "--tenant", "nobody"), 1, "There are: acme"),
        (("show", "whk_none", *AT), 1, "`authserver webhook list --tenant acme` lists them"),
        (("rotate", "whk_none", *AT), 2, "Say --yes"),
    ],
)
def test_what_is_wrong_is_said_with_its_cure(acme: Deployment, words, code, said):
    """And nothing of an address that holds a password."""
    result = acme.run("webhook", *words)

    assert code == result.exit_code, result.output
    assert said in result.stderr
    assert "canary" not in result.output


@pytest.mark.requirement("cli:webhook:add-list-show-test-set-rotate-disable-remove")
def test_a_tenant_that_goes_takes_its_webhooks_along(acme: Deployment):
    """A secret of nobody's must not stay."""
    acme.told("webhook", "add", URL, *AT)

    acme.told("tenant", "remove", "acme", "--yes")

    with closing(sqlite3.connect(acme.folder / "rows.db")) as connection:
        assert [(0,)] == connection.execute("SELECT COUNT(*) FROM webhooks").fetchall()


@pytest.mark.requirement("cli:webhook:says-what-is-wrong")
def test_check_names_a_webhook_that_does_not_answer(acme: Deployment):
    """Operators are told, and what to type."""
    from authserver.domain.notices import delivery
    from authserver.domain.notices.notice import Event, tell
    from tests.support.receiver import waiting_call

    env = acme.folder / "env"
    env.write_text(env.read_text() + "AUTHSERVER_CIMD_ALLOW_LOOPBACK=true\n")
    with listening(Answer(status=500)) as listener:
        added = acme.told("webhook", "add", f"http://127.0.0.1:{listener.port}/", *AT)

        async def fails(machines):
            from authserver.domain.tenants import tenant as tenants

            home = await tenants.by_slug(machines.work(), "acme")
            work = machines.work(tenant=home.id)
            await tell(work, Event.APPROVAL_REQUESTED, waiting_call(now=work.now))
            assert await work.commit()
            await delivery.deliver_due(machines)

        acme.inside(fails)

    findings = {row["what"]: row for row in acme.told("check")}
    found = findings[f"webhook {added['webhook_id']}"]
    assert "warning" == found["state"]
    assert f"authserver webhook show {added['webhook_id']} --tenant acme" in found["detail"]
    shown = acme.told("webhook", "show", added["webhook_id"], *AT)
    assert [("waits", "status_500", 1)] == [(each["state"], each["failure"], each["tries"]) for each in shown["told"]]
