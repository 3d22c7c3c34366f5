"""`authserver client trust`: an operator says which applications of strangers a tenant lets in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deployment import Deployment, logs_kept

URL = "https://claude.ai/oauth/claude-code-client-metadata"


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    with logs_kept():
        yield


@pytest.fixture
def acme(tmp_path: Path) -> Deployment:
    made = Deployment.migrated(tmp_path)
    made.told("tenant", "add", "acme")
    made.told("tenant", "add", "globex")
    return made


@pytest.mark.requirement("cli:trust:policy-and-verdicts")
def test_an_operator_sets_a_policy_and_says_what_of_whom(acme: Deployment):
    """what-users-want.md 7: what was said is seen, one tenant says nothing for another, and it can be taken back."""
    first = acme.told("client", "trust", "policy", "--tenant", "acme")
    strict = acme.told("client", "trust", "policy", "approve", "--tenant", "acme")
    allowed = acme.told("client", "trust", "allow", "Claude.ai", "--tenant", "acme", "--note", "reviewed")
    blocked = acme.told("client", "trust", "block", URL, "--tenant", "acme", "--yes")

    listed = acme.told("client", "trust", "list", "--tenant", "acme")
    assert ("any", "approve") == (first["policy"], strict["policy"])
    assert ("host:claude.ai", "allowed") == (allowed["subject"], allowed["verdict"])
    assert (URL, "blocked") == (blocked["subject"], blocked["verdict"])
    assert {("host:claude.ai", "allowed", "reviewed"), (URL, "blocked", "")} == {
        (row["subject"], row["verdict"], row["note"]) for row in listed
    }
    assert [] == acme.told("client", "trust", "list", "--tenant", "acme", "--pending")
    assert [] == acme.told("client", "trust", "list", "--tenant", "globex")
    assert {"tenant": "globex", "policy": "any", "allowed": 0, "blocked": 0} == acme.told(
        "client", "trust", "policy", "--tenant", "globex"
    )
    acme.told("client", "trust", "forget", URL, "--tenant", "acme")
    assert 1 == len(acme.told("client", "trust", "list", "--tenant", "acme"))


@pytest.mark.requirement("cli:trust:says-what-is-wrong")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("policy", "everything", "--tenant", "acme"), "one of any, approve, listed"),
        (("allow", "claude.ai", "--tenant", "nobody"), "tenant: there is no"),
        (("allow", "two words", "--tenant", "acme"), "subject:"),
        (("allow", "bücher.example", "--tenant", "acme"), "subject:"),
        (("block", "claude.ai", "--tenant", "acme"), "Say --yes"),
        (("forget", "claude.ai", "--tenant", "acme"), "nothing was said of host:claude.ai"),
    ],
)
def test_a_wrong_command_says_what_is_wrong_and_changes_nothing(acme: Deployment, command: tuple[str, ...], said: str):
    """Ours: the field and the cure."""
    done = acme.run("client", "trust", *command)

    assert 0 != done.exit_code
    assert said in done.output + done.stderr
    assert [] == acme.told("client", "trust", "list", "--tenant", "acme")


@pytest.mark.requirement("cli:trust:policy-and-verdicts")
def test_an_application_that_waits_is_listed_and_a_document_is_not_removed_in_vain(acme: Deployment):
    """Ours: removing what a document describes would bring it back with the next login; the command says what does help."""

    async def somebody_asks(machines) -> str:
        from authserver.domain.clients import document, registry, trust
        from authserver.domain.clients.document import Document
        from authserver.domain.tenants import tenant as tenants

        said = Document(
            name="Claude Code", auth_method="none", redirect_uris=("http://localhost/callback",),
            grant_types=("authorization_code",), application_type="native",
        )  # fmt: skip
        await document.keep(machines.work(), URL, said, etag="", fresh_s=300)
        client = await registry.find(machines.work(), URL)
        tenant = await tenants.by_slug(machines.work(), "acme")
        assert client is not None and tenant is not None
        await trust.ask(machines.work(), tenant.id, client)
        return client.id

    acme.inside(somebody_asks)

    waiting = acme.told("client", "trust", "list", "--tenant", "acme", "--pending")
    refused = acme.run("client", "remove", URL, "--yes")

    assert [(URL, "pending", "Claude Code")] == [(row["subject"], row["verdict"], row["note"]) for row in waiting]
    assert 0 != refused.exit_code
    assert "client disable" in refused.output + refused.stderr
    assert [URL] == [row["client_id"] for row in acme.told("client", "list", "--shared", "--origin", "document")]
    acme.told("client", "trust", "allow", URL, "--tenant", "acme")
    assert [] == acme.told("client", "trust", "list", "--tenant", "acme", "--pending")
