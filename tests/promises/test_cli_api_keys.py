"""`authserver api-key`: a key is made, shown once, listed, rotated, disabled and removed; `check` says when one will end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deployment import Deployment, logs_kept

MCP = "https://mcp.example.com/mcp"


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    with logs_kept():
        yield


@pytest.fixture(scope="module")
def with_people(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    made = Deployment.migrated(tmp_path_factory.mktemp("keys"))
    with logs_kept():
        made.told("tenant", "add", "acme")
        made.told("resource", "add", MCP, "--name", "Orders", "--scope", "orders:read=See orders", "--link", "acme")
        made.told("user", "add", "ada@acme.example", "--tenant", "acme", "--name", "Ada")
    return made


@pytest.fixture
def acme(with_people: Deployment, tmp_path: Path) -> Deployment:
    return with_people.copied(tmp_path)


def add(deployment: Deployment, *words: str):
    owner = () if {"--user", "--client"} & set(words) else ("--user", "ada@acme.example")
    days = () if "--days" in words else ("--days", "90")
    fixed = ("--tenant", "acme", "--name", "nightly", "--resource", MCP, "--scope", "orders:read")
    return ("api-key", "add", *fixed, *owner, *days, *words)


@pytest.mark.requirement("cli:api-key:add-list-show-set-disable-rotate-remove")
def test_an_api_key_lives_from_add_to_remove(acme: Deployment):
    """Contract of the nouns: the secret is shown by add and rotate, and by nothing else."""
    added = acme.told(*add(acme))
    key_id, at = added["key_id"], ("--tenant", "acme")
    rotated = acme.told("api-key", "rotate", key_id, *at, "--overlap-hours", "2", "--yes")
    disabled = acme.told("api-key", "disable", key_id, *at, "--yes")
    active = acme.told("api-key", "set", key_id, *at, "--active")
    listed = acme.told("api-key", "list", *at)
    shown = acme.told("api-key", "show", key_id, *at)
    removed = acme.told("api-key", "remove", key_id, *at, "--yes")

    assert added["api_key"].startswith("ask_")
    assert rotated["api_key"] != added["api_key"]
    assert ["active", "disabled", "active"] == [added["state"], disabled["state"], active["state"]]
    assert [active] == listed == [shown]
    assert "api_key" not in shown
    assert shown["last_used_at"] is None
    assert {"removed": key_id} == removed
    assert [] == acme.told("api-key", "list", *at)


@pytest.mark.requirement("cli:api-key:add-list-show-set-disable-rotate-remove")
def test_a_machine_client_can_own_one(acme: Deployment):
    """C02: beside a person."""
    machine = acme.told(
        "client", "add", "--tenant", "acme", "--name", "Robot", "--auth", "client_secret_basic",
        "--grant", "client_credentials", "--scope", "orders:read", "--resource", MCP,
    )  # fmt: skip

    added = acme.told(*add(acme, "--client", machine["client_id"]))

    assert f"client:{machine['client_id']}" == added["owner"]


@pytest.mark.requirement("cli:api-key:errors-name-the-cure")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--scope", "orders:write"), 2, "--scope: "),
        (("--resource", "https://nobody.example"), 1, "--resource: https://nobody.example is unknown"),
        (("--user", "bob@acme.example"), 1, "--user: bob@acme.example is no member of acme"),
        (("--client", "cli_nobody"), 1, "--client: cli_nobody is no client of acme"),
        (("--user", "ada@acme.example", "--client", "cli_x"), 2, "one owner"),
        (("--days", "366"), 2, "--days"),
        (("--tenant", "nobody"), 1, "tenant: there is no 'nobody'"),
    ],
)
def test_a_key_that_means_nothing_is_refused_with_the_cure(
    acme: Deployment, words: tuple[str, ...], code: int, said: str
):
    """Contract: exit 1 for unknown, 2 for wrong usage; nothing is made."""
    result = acme.run(*add(acme, *words))

    assert code == result.exit_code
    assert said in result.stderr
    assert [] == acme.told("api-key", "list", "--tenant", "acme")


@pytest.mark.requirement("cli:api-key:errors-name-the-cure")
def test_what_ends_a_key_asks_first_and_an_unknown_one_is_named(acme: Deployment):
    """Ours: without a terminal it demands --yes."""
    key_id = acme.told(*add(acme))["key_id"]

    for verb in ("disable", "rotate", "remove"):
        assert "--yes" in acme.run("api-key", verb, key_id, "--tenant", "acme").stderr
    assert "key_nothing is unknown in acme" in acme.run("api-key", "show", "key_nothing", "--tenant", "acme").stderr
    assert ["active"] == [key["state"] for key in acme.told("api-key", "list", "--tenant", "acme")]


@pytest.mark.requirement("cli:check:warns-of-keys-that-end-soon")
def test_check_warns_of_a_key_that_ends_within_two_weeks_and_of_no_other(acme: Deployment):
    """Issue: the end is announced before it comes."""
    soon, later = acme.told(*add(acme, "--days", "13"))["key_id"], acme.told(*add(acme, "--days", "15"))["key_id"]

    found = {row["what"]: row for row in acme.told("check")}

    assert "warning" == found[f"API key {soon}"]["state"]
    assert f"authserver api-key rotate {soon} --tenant acme" in found[f"API key {soon}"]["detail"]
    assert f"API key {later}" not in found
