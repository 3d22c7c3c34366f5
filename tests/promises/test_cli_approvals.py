"""`authserver approvals`: an operator sees what waits and can stop it; a yes is a person's, who proves who they are."""

import asyncio
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from authserver.cli.tree import app
from authserver.domain.audit import event
from authserver.domain.audit.header import about
from tests.promises.test_cli_webhooks import listening
from tests.support.approvals import REFUND, WITH_REFUND, Approver, ToolServer, refunding, tool_server
from tests.support.deployment import ROOT, bare_environment, logs_kept
from tests.support.internet import Answer

CANARY = "4111-canary-card"
ARGUMENTS = {"order_id": "o-1001", "amount_cents": 1250, "card": {"number": CANARY}}


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    with logs_kept():
        yield


@dataclass(kw_only=True)
class Desk:
    """An operator's command line beside a server in process, at today's time."""

    server: Any
    folder: Path
    rs: ToolServer

    async def run(self, *words: str, typed: str | None = None) -> Any:
        """Run one command; it has a loop of its own, so it gets a thread."""
        said = ["approvals", *words, "--data-dir", str(self.folder)]
        return await asyncio.to_thread(CliRunner().invoke, app, said, input=typed)

    async def told(self, *words: str, typed: str | None = None) -> Any:
        result = await self.run(*words, "--json", typed=typed)
        assert 0 == result.exit_code, result.output
        return json.loads(result.stdout)

    async def waits(self, who: str = "u1", **rule: Any) -> str:
        """Return a call that waits."""
        rs = tool_server(self.server, **{"redact": ("card.number",), **rule})
        token = await self.server.client("N").sign_in(who, scope=WITH_REFUND, tools=[REFUND])
        self.token = token
        return await rs.asked(token, ARGUMENTS)

    async def approve(self, approval_id: str, who: str, password: str | None = None) -> Any:
        """Say yes as somebody."""
        person = self.server.world.people[who]
        typed = (person.password if password is None else password) + "\n"
        return await self.run(
            "approve", approval_id, "--as", person.email, "--password-file", "-", "--json", typed=typed
        )

    async def events(self, kind: event.Kind) -> list[Any]:
        recent = await event.recent(self.server.operator.work("t1"))
        return [row for row in recent if row["kind"] == kind.value]


@pytest.fixture
async def desk(server, templates, tmp_path):
    server.clock.advance(int(time.time()) - server.now)
    await server.restart()
    (tmp_path / "kek").write_text(templates.kek)
    (tmp_path / "env").write_text(
        f"AUTHSERVER_ISSUER={server.issuer}\nAUTHSERVER_DATABASE_URL={server.place.url}\n"
        f"AUTHSERVER_KEK_FILE={tmp_path / 'kek'}\nAUTHSERVER_PASSWORD_MEMORY_KIB=8\nAUTHSERVER_PASSWORD_TIME_COST=1\n"
    )
    return Desk(server=server, folder=tmp_path, rs=tool_server(server))


@pytest.mark.requirement("cli:approvals:list-and-show")
async def test_list_and_show_say_what_waits_and_reveal_nothing_hidden(desk):
    """The sentence, every argument, who may say yes, the page; the card number is a length."""
    approval_id = await desk.waits()

    listed = await desk.told("list", "--tenant", "t1", "--state", "pending")
    shown = await desk.told("show", approval_id)
    words = (await desk.run("show", approval_id)).stdout + (await desk.run("list")).stdout

    assert [(approval_id, "t1", "pending", REFUND, "u1.Person@Example.com", "Native App")] == [
        tuple(row[name] for name in ("approval_id", "tenant", "state", "tool", "for", "application")) for row in listed
    ]
    assert 'Refund "1250" cents of order "o-1001"' == shown["happens"]
    assert {"order_id": '"o-1001"', "amount_cents": "1250", "card.number": "(hidden, 16 characters)"} == {
        line["path"]: line["value"] for line in shown["arguments"]
    }
    assert "1 yes from the person it runs for" == shown["needs"]
    assert f"{desk.server.issuer}/approvals/{approval_id}" == shown["url"]
    for said in (json.dumps(listed), json.dumps(shown), words):
        assert CANARY not in said
    assert 'Refund "1250" cents' in words
    assert [] == await desk.told("list", "--state", "denied")
    assert [] == await desk.told("list", "--tenant", "t2")


@pytest.mark.requirement("cli:approvals:a-value-is-visibly-a-value")
async def test_no_value_passes_for_the_authors_words_for_another_kind_or_for_a_hidden_one(desk):
    """AP-10, CWE-117: in the sentence and in the table, quotation marks and what turns a terminal included."""
    hostile = {
        "order_id": 'o-1", which an administrator has approved. "',
        "amount_cents": "5",
        "a": "(hidden, 16 characters)",
        "b": "\x1b[2J\u202e",
        "c": "",
    }
    asked = await desk.rs.asked(await refunding(desk.server, "u2"), hostile)

    shown = await desk.told("show", asked)
    words = (await desk.run("show", asked)).stdout

    assert r'Refund "5" cents of order "o-1\", which an administrator has approved. \""' == shown["happens"]
    assert ['"5"', '"(hidden, 16 characters)"', '""'] == [
        line["value"] for line in shown["arguments"] if line["path"] in {"amount_cents", "a", "c"}
    ]
    assert '"(hidden, 16 characters)"' in words
    assert not {"\x1b", "\u202e"} & set(words)


@pytest.mark.requirement("cli:approvals:list-and-show")
@pytest.mark.one_database
@pytest.mark.parametrize("unknown", ["ap_guess", "ap_aaaaaaaaaaaaaaaa_" + "a" * 43, "'; DROP TABLE approvals; --"])
async def test_an_unknown_id_says_where_to_look(desk, unknown):
    """One sentence and the cure."""
    result = await desk.run("show", unknown)

    assert (1, "error: approval_id: there is none. `authserver approvals list` shows those there are.\n") == (
        result.exit_code,
        result.stderr,
    )


@pytest.mark.requirement("cli:approvals:deny")
async def test_an_operator_denies_what_waits_and_takes_an_unspent_yes_back(desk):
    """A no needs nobody's password; why is in the sealed payload alone."""
    waiting = await desk.waits()
    denied = await desk.told("deny", waiting, "--reason", "canary freeze", "--yes")
    again = await desk.run("deny", waiting, "--yes")
    approved = await desk.waits("u2")
    await Approver(server=desk.server, who="u2").decide(approved)
    taken_back = await desk.told("deny", approved, "--yes")
    spent = await desk.rs.consume(approved, desk.token, ARGUMENTS)

    assert "denied" == denied["state"] == taken_back["state"] == await desk.rs.state(waiting)
    assert (1, "error: it is denied: there is nothing left to deny.\n") == (again.exit_code, again.stderr)
    assert (409, "approval_denied") == (spent.status_code, spent.json()["error"])
    last, first = await desk.events(event.Kind.APPROVAL_DENIED)
    assert {"why": "canary freeze"} == event.open_payload(desk.server.operator.work("t1"), first)
    assert ("approved", "command line") == tuple(about(last)[name] for name in ("was", "via"))
    assert "canary" not in first["header"] + last["header"]


@pytest.mark.requirement("cli:approvals:deny")
@pytest.mark.one_database
async def test_without_a_terminal_a_no_is_meant_only_with_yes(desk):
    """Like everything that cannot be taken back."""
    approval_id = await desk.waits()

    result = await desk.run("deny", approval_id)

    assert (2, "pending") == (result.exit_code, await desk.rs.state(approval_id))


@pytest.mark.requirement("cli:approvals:a-yes-is-a-persons")
async def test_a_person_says_yes_with_their_password_and_it_is_recorded_how(desk):
    """The call runs once after it, as after the page."""
    approval_id = await desk.waits()

    result = await desk.approve(approval_id, "u1")

    assert 0 == result.exit_code, result.output
    assert "approved" == json.loads(result.stdout)["state"]
    (yes,) = await desk.events(event.Kind.APPROVAL_APPROVED)
    assert (["pwd"], "command line") == tuple(about(yes)[name] for name in ("amr", "via"))
    assert 200 == (await desk.rs.consume(approval_id, desk.token, ARGUMENTS)).status_code
    assert desk.server.world.people["u1"].password not in result.output


@pytest.mark.requirement("cli:approvals:a-yes-is-a-persons")
@pytest.mark.one_database
async def test_running_the_server_is_no_yes(desk):
    """An operator is told how a person says it."""
    approval_id = await desk.waits()

    nobody = await desk.run("approve", approval_id)
    unproven = await desk.run("approve", approval_id, "--as", "u1.Person@Example.com")

    assert (2, 2) == (nobody.exit_code, unproven.exit_code)
    assert "--as EMAIL" in nobody.stderr
    assert "--password-file" in unproven.stderr
    assert "pending" == await desk.rs.state(approval_id)


@pytest.mark.requirement("cli:approvals:a-yes-is-a-persons")
@pytest.mark.parametrize(
    ("who", "rule", "said"),
    [
        ("u2", {}, "may not decide about it: it needs 1 yes from the person it runs for"),
        ("u9", {}, "may not decide about it"),
        ("u1", {"by": "role", "four_eyes": True}, "somebody else has to say yes (four eyes)"),
        ("u1", {"by": "role"}, "may not decide about it: it needs 1 yes from whoever holds the role approver"),
        ("u1", {"acr": ("urn:example:stronger",)}, "a stronger login than a password"),
    ],
    ids=["another person", "another tenant's", "the requester", "without the role", "too weak a login"],
)
async def test_who_may_not_on_the_page_may_not_here(desk, who, rule, said):
    """AP-05, AP-11: with the right password of the wrong person."""
    approval_id = await desk.waits(**rule)

    result = await desk.approve(approval_id, who)

    assert 1 == result.exit_code
    assert said in result.stderr
    assert "Nothing was decided." in result.stderr
    assert "pending" == await desk.rs.state(approval_id)


@pytest.mark.requirement("cli:approvals:a-yes-is-a-persons")
async def test_guessing_a_password_here_costs_what_it_costs_at_the_door(desk):
    """LG: one budget; who used it up here has used it up there, and the right password waits too."""
    approval_id = await desk.waits()
    most = desk.server.settings.login_failures

    wrong = [await desk.approve(approval_id, "u1", "guess") for _ in range(most)]
    late = await desk.approve(approval_id, "u1")

    assert {1} == {result.exit_code for result in wrong}
    assert "do not go together; nothing was decided" in wrong[0].stderr
    assert "too many attempts" in late.stderr
    assert "pending" == await desk.rs.state(approval_id)
    person = desk.server.world.people["u1"]
    browser = desk.server.browser()
    assert 429 == (await browser.log_in(await browser.open("/login"), person.email, person.password)).status


@pytest.mark.requirement("cli:approvals:a-yes-is-a-persons")
async def test_two_people_are_needed_where_the_rule_says_two(desk):
    """One yes is told as one of two; the same person counts once."""
    approval_id = await desk.waits("u2", by="role", approvers=2)
    await desk.server.operator.set_member("u1", "t1", roles=("approver",))

    first = await desk.approve(approval_id, "v1")
    again = await desk.approve(approval_id, "v1")
    second = await desk.approve(approval_id, "u1")

    assert ("pending", "2 people have to say yes; this is one of them") == (
        json.loads(first.stdout)["state"],
        json.loads(first.stdout)["note"],
    )
    assert "has decided about it already" in again.stderr
    assert "approved" == json.loads(second.stdout)["state"]


@pytest.mark.requirement("cli:approvals:a-yes-is-a-persons")
async def test_what_was_decided_is_not_decided_again(desk):
    """It names the state, and where to look."""
    approval_id = await desk.waits()
    await Approver(server=desk.server, who="u1").decide(approval_id, yes=False)

    result = await desk.approve(approval_id, "u1")

    assert "it is denied" in result.stderr
    assert "denied" == await desk.rs.state(approval_id)


@pytest.mark.requirement("cli:approvals:stats")
async def test_stats_name_who_says_yes_to_everything_at_once(desk):
    """Enough decisions, nearly all yes, in under two seconds: flagged, in words and in JSON. One slow reader is not."""
    token = await desk.server.client("N").sign_in("u1", scope=WITH_REFUND, tools=[REFUND])
    careful = await desk.server.client("N").sign_in("u2", scope=WITH_REFUND, tools=[REFUND])
    for number in range(12):
        for held, who, seconds in ((token, "u1", 1), (careful, "u2", 40)):
            approval_id = await desk.rs.asked(held, {"order_id": f"o-{number}", "amount_cents": 1})
            approver = Approver(server=desk.server, who=who)
            await approver.look(approval_id)
            desk.server.clock.advance(seconds)
            await approver.decide(approval_id, yes=who == "u1" or number % 3 > 0)
    desk.server.clock.advance(-600)

    rows = await desk.told("stats")
    words = (await desk.run("stats", "--tenant", "t1")).stdout

    assert [("u1.Person@Example.com", 12, 1.0, 1.0, True), ("u2.Person@Example.com", 12, 0.667, 40.0, False)] == [
        tuple(row[name] for name in ("approver", "decisions", "share_of_yes", "median_seconds", "flagged"))
        for row in rows
    ]
    assert "warning: u1.Person@Example.com said yes to 100% of 12 calls of refund_order" in words
    assert "warning: u2" not in words


@pytest.mark.requirement("docs:operating:approvals-commands-run")
@pytest.mark.one_database
async def test_the_commands_of_the_operating_guide_run_as_they_stand(desk):
    """docs/operating.md, "Approvals: who is told, how", from top to bottom, with the names of this world."""
    page = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    section = page.partition("## Approvals: who is told, how\n")[2].partition("\n## ")[0]
    commands = [line.removeprefix("$ ") for line in section.splitlines() if line.startswith("$ ")]
    person = desk.server.world.people["u1"]
    (desk.folder / "ada.password").write_text(person.password)
    with (desk.folder / "env").open("a") as env:
        env.write("AUTHSERVER_CIMD_ALLOW_LOOPBACK=true\n")
    names = {
        "acme": "t1", "ada@acme.example": person.email, "APPROVAL_ID": await desk.waits(),
        "ada.password": str(desk.folder / "ada.password"),
    }  # fmt: skip

    with listening(Answer(status=204)) as listener:
        names["https://hooks.acme.example/approvals"] = f"http://127.0.0.1:{listener.port}/"
        for command in commands:
            words = [names.get(word, word) for word in shlex.split(command, comments=True)]
            assert "authserver" == words[0], command
            said = [*words[1:], "--data-dir", str(desk.folder), "--json"]
            result = await asyncio.to_thread(CliRunner().invoke, app, said)
            assert 0 == result.exit_code, f"{command}\n{result.output}"
            if command.startswith("authserver webhook add"):
                names["WEBHOOK_ID"] = json.loads(result.stdout)["webhook_id"]

    assert 12 == len(commands)
    assert 1 == len(listener.posted)


@pytest.mark.requirement("cli:approvals:follow")
@pytest.mark.one_database
async def test_follow_says_each_change_as_it_happens_and_ends_calmly(desk):
    """What waits now, what comes, what leaves `pending`; Ctrl-C ends it without a trace."""
    first = await desk.waits()
    command = [sys.executable, "-m", "authserver", "approvals", "list", "--state", "pending", "--follow", "--json"]
    process = await asyncio.create_subprocess_exec(
        *command, "--data-dir", str(desk.folder), cwd=ROOT, env=bare_environment() | {"PYTHONPATH": os.fspath(ROOT)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip

    async def line():
        async with asyncio.timeout(120):
            return json.loads(await process.stdout.readline())

    seen = [await line()]
    second = await desk.waits("u2")
    seen.append(await line())
    await Approver(server=desk.server, who="u1").decide(first)
    seen.append(await line())
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(120):
        _, said = await process.communicate()

    assert [(first, "pending"), (second, "pending"), (first, "approved")] == [
        (row["approval_id"], row["state"]) for row in seen
    ]
    assert 130 == process.returncode
    assert b"Traceback" not in said
