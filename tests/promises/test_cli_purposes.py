"""`authserver resource … --purpose`: what a person may say an authorization is for."""

import pytest

from tests.support.deployment import Deployment, logs_kept

MCP = "https://mcp.example.com/mcp"


@pytest.fixture(autouse=True)
def own_logs():
    with logs_kept():
        yield


@pytest.fixture
def acme(tmp_path) -> Deployment:
    made = Deployment.migrated(tmp_path)
    made.told("tenant", "add", "acme")
    made.told("resource", "add", MCP, "--name", "Orders", "--purpose", "support=Answering customers")
    return made


@pytest.mark.requirement("opt-in:purpose:operators-set-it")
def test_purposes_are_given_replaced_and_taken_back(acme):
    """C24: without a deploy; a command about something else leaves them."""
    added = acme.told("resource", "show", MCP)["purposes"]
    replaced = acme.told("resource", "set", MCP, "--purpose", "audit=An audit", "--purpose", "night=The night run")
    kept = acme.told("resource", "set", MCP, "--name", "All orders")
    gone = acme.told("resource", "set", MCP, "--no-purposes")

    assert ["support=Answering customers"] == added
    assert ["audit=An audit", "night=The night run"] == replaced["purposes"] == kept["purposes"]
    assert [] == gone["purposes"] == acme.told("resource", "show", MCP)["purposes"]


@pytest.mark.requirement("opt-in:purpose:operators-set-it")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--purpose", "support"], "--purpose: 'support' needs words"),
        (["--purpose", "Support=Answering"], "purposes: 'Support' is no name"),
        (["--purpose", "support=" + "x" * 101], "at most 100 characters"),
        (["--purpose", "a=b", "--no-purposes"], "--no-purposes: leave --purpose out"),
        ([part for n in range(13) for part in ("--purpose", f"p{n}=words")], "purposes: at most 12"),
    ],
)
def test_what_cannot_be_a_purpose_is_refused_with_the_cure(acme, given, said):
    """Ours: the option and the cure."""
    done = acme.run("resource", "set", MCP, *given)

    assert 2 == done.exit_code
    assert said in done.output + done.stderr
    assert ["support=Answering customers"] == acme.told("resource", "show", MCP)["purposes"]
