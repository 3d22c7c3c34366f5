"""`authserver audit search`: what did the agent do, in one command; and what it says where there is nothing."""

import json
import time

import pytest

from tests.support.deployment import Deployment, logs_kept

ALICE = "alice@acme.example"
ORDERS = "https://orders.acme.example/mcp"


@pytest.fixture(autouse=True)
def own_logs():
    with logs_kept():
        yield


@pytest.fixture(scope="module")
def acme(tmp_path_factory) -> Deployment:
    with logs_kept():
        made = Deployment.migrated(tmp_path_factory.mktemp("deployment"))
        made.told("tenant", "add", "acme", "--name", "Acme Industries")
        made.told(
            "user",
            "add",
            ALICE,
            "--name",
            "Alice",
            "--tenant",
            "acme",
            "--password-file",
            "-",
            typed="long enough password 4711\n",
        )
        app = made.told("client", "add", "--name", "Desk", "--redirect-uri", "http://127.0.0.1/cb", "--tenant", "acme")
        made.inside(lambda machines: _calls(machines, app["client_id"]))
    return made


async def _calls(machines, client_id):
    from authserver.domain.audit import calls
    from authserver.domain.tenants import tenant as tenants
    from authserver.domain.users import user
    from resource_lib.wire.record import CallEvent, checked, new_id

    home = await tenants.by_slug(machines.work(), "acme")
    work = machines.work(tenant=home.id)
    person = await user.person_by_email(work, ALICE)
    member = await user.member_by_person(work, person.id)
    now = int(time.time()) * 1_000_000
    events = []
    for ago_s, tool, arguments, status in (
        (7200, "get_order", {"order": "A-1"}, "ok"),
        (60, "search_orders", {"q": "desk\u202e\x1b[2J"}, "ok"),
        (30, "refund_order", {"order": "A-1004", "customer": "customer-8812"}, "tool_error"),
    ):
        at = now - ago_s * 1_000_000
        event_id = new_id(at)
        events.append(
            CallEvent(
                id=event_id,
                call=event_id,
                phase="outcome",
                at=at,
                instance="i1",
                tenant=home.id,
                sub=member.sub,
                client_id=client_id,
                authorization_id="auz_1",
                token="ab" * 32,
                method="tools/call",
                tool=tool,
                tool_class="read",
                decision="allowed",
                arguments=arguments,
                arguments_bytes=20,
                status=status,
                result_bytes=2,
                subjects=(("customer", "customer-8812"),) if "customer" in arguments else (),
            )
        )
    await calls.take(
        work, calls.Teller(client_id="cli_orders", resource=ORDERS), [checked(one.as_object()) for one in events]
    )
    assert await work.commit()


@pytest.mark.requirement("questions:command:what-did-this-user-do-in-the-last-hour")
def test_which_tools_somebody_used_in_the_last_hour_with_what_arguments_is_one_command(acme):
    """C48, in its own words; whatever a caller put into an argument does not reach the terminal as it is."""
    words = ("audit", "search", "--tenant", "acme", "--user", ALICE, "--calls", "--since", "1h", "--opened")

    table = acme.run(*words).stdout
    rows = acme.told(*words)

    assert [
        ("refund_order", {"order": "A-1004", "customer": "customer-8812"}),
        ("search_orders", "desk\u202e\x1b[2J"),
    ] == [(row["header"]["tool"], row["sealed"]["arguments"].get("q", row["sealed"]["arguments"])) for row in rows]
    assert ["refund_order", "search_orders"] == [line.split()[2] for line in table.splitlines()[1:]]
    assert "tool_error" in table and "A-1004" in table and "get_order" not in table
    assert "\x1b" not in table and "\u202e" not in table


@pytest.mark.requirement("questions:command:what-did-this-user-do-in-the-last-hour")
def test_a_customer_an_application_by_its_name_and_a_decision_are_asked_for_likewise(acme):
    """Ours."""
    asked = {
        "subject": ("--subject", "CUSTOMER-8812"),
        "client": ("--client", "desk", "--calls"),
        "decision": ("--decision", "allowed", "--tool", "get_order"),
        "at": ("--at", ORDERS, "--until", "1h", "--calls"),
    }

    found = {
        name: [row["header"]["tool"] for row in acme.told("audit", "search", "--tenant", "acme", *words)]
        for name, words in asked.items()
    }

    assert ["refund_order"] == found["subject"]
    assert ["refund_order", "search_orders", "get_order"] == found["client"]
    assert ["get_order"] == found["decision"] == found["at"]


@pytest.mark.requirement("questions:command:all-of-it-line-by-line")
def test_all_of_a_tenants_record_comes_line_by_line(acme):
    """Ours: page by page, whatever its length; and a program reads a line at a time."""
    done = acme.run("audit", "search", "--tenant", "acme", "--all", "--ndjson")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    refused = acme.run("audit", "search", "--all")

    assert len(lines) >= 6
    assert sorted(lines, key=lambda row: row["at"], reverse=True) == lines
    assert (2, True) == (refused.exit_code, "--tenant" in refused.stderr)


@pytest.mark.requirement("questions:command:says-where-it-looked")
def test_where_nothing_is_found_it_says_where_it_looked_and_for_what(acme):
    """Ours: an empty answer to a wrong question must not read as `nothing happened`."""
    done = acme.run(
        "audit", "search", "--tenant", "acme", "--decision", "held", "--tool", "nope", "--since", "2026-01-01"
    )
    unknown = acme.run("audit", "search", "--tenant", "acme", "--user", "mallory@acme.example")
    typo = acme.run("audit", "search", "--tenant", "acme", "--client", "Dusk")

    assert (
        "In acme nothing of the kind happened since 2026-01-01 00:00:00Z; looked for --decision held, --tool nope.\n"
        == done.stdout
    )
    assert (1, True) == (unknown.exit_code, "mallory@acme.example" in unknown.stderr)
    assert (1, True) == (typo.exit_code, "Dusk" in typo.stderr)


@pytest.mark.requirement("questions:readers:are-in-the-record")
def test_what_the_command_line_opens_is_recorded_with_each_event_that_it_opened(acme):
    """C45: before it is shown."""
    [opened] = acme.told("audit", "search", "--tenant", "acme", "--tool", "refund_order", "--opened")
    told = acme.told("audit", "search", "--tenant", "acme", "--kind", "operator:record:opened", "--most", "1")

    assert [opened["id"]] == told[0]["header"]["events"]
    assert "command" == told[0]["header"]["via"]
