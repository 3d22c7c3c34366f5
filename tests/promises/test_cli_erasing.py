"""`authserver user erase`, `audit erase`, `audit clean`: what an operator is asked, told, and left with."""

import time

import pytest

from authserver.domain.audit import event, sealing
from authserver.domain.audit.event import Kind
from authserver.domain.audit.header import about
from authserver.domain.forgetting import forgetting
from authserver.domain.tenants.tenant import all_tenants
from tests.support.deployment import Deployment, logs_kept

pytestmark = pytest.mark.requirement("forget:commands")

EMAIL = "alice@acme.example"


@pytest.fixture(autouse=True)
def own_logs():
    with logs_kept():
        yield


@pytest.fixture
def made(tmp_path) -> Deployment:
    made = Deployment.migrated(tmp_path)
    with (tmp_path / "env").open("a") as file:
        file.write("AUTHSERVER_BACKUP_RETENTION_DAYS=7\n")
    made.told("tenant", "add", "acme")
    made.told("user", "add", EMAIL, "--tenant", "acme")
    return made


def newest(made):
    """Return what the platform's record says of the two kinds of events, newest first."""

    async def job(machines):
        rows = await event.recent(machines.work(tenant="*"), most=1000)
        return [(row["kind"], about(row)) for row in rows if row["kind"] in {Kind.PERSON_ERASED, Kind.ERASED_CLEANED}]

    return made.inside(job)


def test_a_person_is_erased_by_one_command_that_says_what_it_reaches_and_until_when_backups_know_them(made):
    """C50: a rehearsal changes nothing; the address has to be typed; the moment stands in what is printed and in the record."""
    would = made.told("user", "erase", EMAIL, "--dry-run")
    refused = made.run("user", "erase", EMAIL)
    listed = made.told("user", "list", "--tenant", "acme")
    done = made.told("user", "erase", EMAIL.upper(), "--yes")
    again = made.run("user", "erase", EMAIL, "--yes")

    assert (EMAIL, ["acme"]) == (would["would_erase"], would["tenants"])
    assert (2, 1) == (refused.exit_code, len(listed)) and "--yes" in refused.output
    assert ["acme"] == done["tenants"] and [] == done["left"] and len(done["cleaned"]) == 2
    assert [] == made.told("user", "list", "--tenant", "acme")
    assert again.exit_code == 1 and "audit erase --subject" in again.output
    (cleaned, said), (erased, of_them) = newest(made)
    assert (Kind.ERASED_CLEANED, Kind.PERSON_ERASED, 1) == (cleaned, erased, of_them["tenants"])
    assert abs(said["backups_until"] - time.time() - 7 * 86_400) < 60
    assert done["backups_until"].startswith(time.strftime("%Y-%m-%d", time.gmtime(said["backups_until"])))


def sealed(made):
    """Seal what there is, with something said of somebody in it."""

    async def job(machines):
        home = next(one for one in await all_tenants(machines.work()) if one.slug == "acme")
        work = machines.work(tenant=home.id)
        event.record(work, Kind.CONSENT_ALLOWED, sub="usr_1", payload={"said": "by u1"})
        await work.commit()
        await sealing.seal_round(machines)
        return home.id

    return made.inside(job)


def test_what_was_erased_while_no_server_runs_verifies_at_once(made):
    """C50, C49: the receipts are sealed by the command, so an honest erasure never reads as a forged one."""
    tenant = sealed(made)

    async def size(machines):
        return (await sealing.log_of(machines.work(tenant=tenant))).size

    before = made.inside(size)
    erased = made.told("audit", "erase", "--tenant-whole", "acme", "--yes")["erased"]
    grown = made.inside(size) - before
    after = made.run("audit", "verify", "--all")

    assert (1, 1) == (erased[0]["events"], grown)
    assert (0, True) == (after.exit_code, "1 erased with a receipt" in after.stdout), after.output


def test_a_receipt_that_was_not_sealed_yet_is_waited_for_and_is_no_forgery(made):
    """C50, C49: somebody is erased while the record is verified."""
    tenant = sealed(made)
    erased = made.inside(lambda machines: forgetting.forget_tenant(machines, tenant))
    after = made.run("audit", "verify", "--all")

    assert 1 == erased.count
    assert (0, True) == (after.exit_code, "1 erased with a receipt" in after.stdout), after.output


def test_what_waits_to_be_cleaned_is_a_warning_of_check_until_it_is_done(made):
    """C50: somebody erased without the command, as the server itself does with what comes late."""

    async def erase(machines):
        from authserver.domain.audit import erasing

        work = machines.work()
        erasing.erased(work)
        await work.commit()

    made.inside(erase)
    before = [one for one in made.told("check") if one["what"] == "erased"]
    done = made.told("audit", "clean")
    whole = made.told("audit", "clean", "--whole")

    assert ["warning"] == [one["state"] for one in before] and "audit clean" in before[0]["detail"]
    assert [] == done["left"] and whole["cleaned"][0] == "wrote the whole file anew"
    assert [] == [one for one in made.told("check") if one["what"] == "erased"]


def test_a_whole_tenants_record_needs_its_name_and_one_choice(made):
    """C50, as for everything that ends much at once."""
    both = made.run("audit", "erase", "--subject", EMAIL, "--tenant-whole", "acme", "--yes")
    neither = made.run("audit", "erase", "--yes")
    unsure = made.run("audit", "erase", "--tenant-whole", "acme")
    done = made.told("audit", "erase", "--tenant-whole", "acme", "--yes")

    assert [2, 2, 2] == [one.exit_code for one in (both, neither, unsure)]
    assert ["acme"] == [one["tenant"] for one in done["erased"]] and [] == done["left"]
