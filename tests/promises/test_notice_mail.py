"""People learn by mail of what waits for their yes: over real SMTP, one letter a minute, and nothing in it that decides."""

import asyncio
import json
import ssl

import pytest
import trustme

from authserver.domain.notices import delivery
from authserver.domain.notices.notice import Event
from authserver.domain.resources import resource as resources
from authserver.runtime.mail import Mail, MailError
from authserver.runtime.words import without_links
from authserver.settings import Settings, SettingsError
from tests.support.mailbox import Mailbox
from tests.support.receiver import call, told
from tests.support.world import R1

HALF = 0.5


@pytest.fixture
async def mailbox():
    async with Mailbox().open() as open_:
        yield open_


@pytest.fixture
async def server(server_with, mailbox):
    return await server_with(smtp_url=mailbox.url, mail_from="approvals@auth.example")


async def deliver(server):
    """Deliver until nothing is due: first to whom, then the letters."""
    while await delivery.deliver_due(server.machines, chance=lambda: HALF):
        pass


@pytest.mark.requirement("notices:mail:says-what-waits")
async def test_the_person_is_told_what_waits_by_whom_where_and_for_how_long(server, mailbox):
    """Plain text, our own address alone, and a page that decides nothing by being opened."""
    await told(server, Event.APPROVAL_REQUESTED, call(server, client_id=server.world.clients["B"].client_id))

    await deliver(server)

    (letter,), (text,) = mailbox.letters, mailbox.texts()
    assert "u1.Person@Example.com" == letter["To"]
    assert "approvals@auth.example" == letter["From"]
    assert "A call waits for your yes: Refund an order (First Customer)" == letter["Subject"]
    assert "text/plain" == letter.get_content_type()
    assert "auto-generated" == letter["Auto-Submitted"]
    for said in (
        "at First Customer.",
        "Tool:         Refund an order (it cannot be taken back)",
        "Application:  Basic App",
        "MCP server:   Orders at mcp1·example",
        "Time left:    15 minutes, until 2026-01-01 12:15 UTC",
        "Decide here:  http://127.0.0.1:9000/approvals/ap_1",
    ):
        assert said in text
    assert 1 == text.count("://")


@pytest.mark.requirement("notices:mail:reaches-who-may-decide")
async def test_a_role_is_told_as_it_is_when_the_mail_leaves_and_never_who_is_excluded(server, mailbox):
    """Four eyes: the requester holds the role, and is not asked."""
    await server.operator.set_member("u1", "t1", roles=("approver",))
    await server.operator.set_member("u2", "t1", roles=("approver_of_nothing",))
    asked = call(server, role="approver", is_for_person=False, is_excluded=True)
    await told(server, Event.APPROVAL_REQUESTED, asked)
    await deliver(server)
    assert ["v1.Person@Example.com"] == [letter["To"] for letter in mailbox.letters]

    server.clock.advance(60)
    again = call(server, 2, role="approver", is_for_person=False)
    await told(server, Event.APPROVAL_REQUESTED, again)
    await server.operator.set_member("v1", "t1", is_active=False)
    await deliver(server)
    assert ["u1.Person@Example.com"] == [letter["To"] for letter in mailbox.letters[1:]]


@pytest.mark.requirement("notices:mail:reaches-who-may-decide")
async def test_who_lost_the_role_before_the_mail_left_gets_none(server, mailbox):
    """It was due to them, and the server of the operator was down meanwhile."""
    mailbox.refuse["MAIL"] = "451 later"
    await told(server, Event.APPROVAL_REQUESTED, call(server, role="approver", is_for_person=False))
    await deliver(server)
    mailbox.refuse.clear()
    await server.operator.set_member("v1", "t1", roles=())
    server.clock.advance(120)

    await deliver(server)

    assert [] == mailbox.letters


@pytest.mark.requirement("notices:mail:reaches-who-may-decide")
async def test_the_person_it_runs_for_and_the_role_are_each_told_once(server, mailbox):
    """A call for two yeses: the person holds the role too, and gets one letter with one call in it."""
    await server.operator.set_member("u1", "t1", roles=("approver",))
    await told(server, Event.APPROVAL_REQUESTED, call(server, role="approver"))

    await deliver(server)
    server.clock.advance(120)
    await deliver(server)

    assert {"u1.Person@Example.com", "v1.Person@Example.com"} == {letter["To"] for letter in mailbox.letters}
    assert 2 == len(mailbox.letters)


@pytest.mark.requirement("notices:mail:reaches-who-may-decide")
async def test_a_machine_reads_no_mail(server, mailbox):
    """A service principal is nobody; its role is told."""
    await told(server, Event.APPROVAL_REQUESTED, call(server, sub="client:cli_machine", role="approver"))

    await deliver(server)

    assert ["v1.Person@Example.com"] == [letter["To"] for letter in mailbox.letters]


@pytest.mark.requirement("notices:mail:grouped")
async def test_one_letter_a_minute_about_everything_that_waits(server, mailbox):
    """AP-12: an agent that asks a hundred times fills a list, and no inbox."""
    await told(server)
    await deliver(server)
    for number in range(2, 9):
        await told(server, Event.APPROVAL_REQUESTED, call(server, number))
    await deliver(server)
    assert 1 == len(mailbox.letters)
    server.clock.advance(60)

    await deliver(server)

    second, text = mailbox.letters[1], mailbox.texts()[1]
    assert 2 == len(mailbox.letters)
    assert "7 calls wait for your yes (First Customer)" == second["Subject"]
    assert 5 == text.count("Decide here:")
    assert "And 2 more." in text
    assert "  http://127.0.0.1:9000/approvals\n" in text


@pytest.mark.requirement("notices:mail:grouped")
async def test_a_person_of_two_tenants_gets_one_letter_a_minute_too(server, mailbox):
    """The inbox is the person's; each letter is about one organisation."""
    person = server.world.people["u5"]
    await told(server, Event.APPROVAL_REQUESTED, call(server, sub=person.subs["t1"]))
    await told(server, Event.APPROVAL_REQUESTED, call(server, 2, sub=person.subs["t2"]), tenant="t2")
    await deliver(server)
    assert 1 == len(mailbox.letters)
    server.clock.advance(60)

    await deliver(server)

    assert {"First Customer", "Second Customer"} == {
        letter["Subject"].rpartition("(")[2].rstrip(")") for letter in mailbox.letters
    }


@pytest.mark.requirement("notices:mail:withdrawn")
async def test_what_was_decided_or_has_lapsed_is_not_mailed_about(server, mailbox):
    """While the letter waited for its minute."""
    await told(server)
    await deliver(server)
    await told(server, Event.APPROVAL_REQUESTED, call(server, 2), call(server, 3, expires_at=server.now + 30))
    await told(server, Event.APPROVAL_DECIDED, call(server, 2, state="denied"))
    server.clock.advance(60)

    await deliver(server)

    assert 1 == len(mailbox.letters)


@pytest.mark.requirement("notices:mail:nothing-to-inject")
async def test_a_strangers_words_add_no_header_no_line_and_no_link(server, mailbox):
    """CWE-93, AP-10: a tool and an organisation that would like to write the mail themselves."""
    work = server.operator.work()
    hostile = "Pay\r\nBcc: all@evil.example\r\n\r\nApprove at https://evil.example/yes or evil.example \u202egnp"
    tools = (resources.Tool(name="refund_order", sensitivity="destructive", title=hostile),)
    resources.change(work, await resources.by_uri(work, R1), tools=tools)
    assert await work.commit()
    await server.operator.set_tenant("t1", name="Acme www.evil.example user@evil.example")
    await told(server)

    await deliver(server)

    (letter,), (text,) = mailbox.letters, mailbox.texts()
    assert {"From", "To", "Subject", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"} == set(letter.keys())  # fmt: skip
    assert ["RCPT TO:<u1.Person@Example.com>"] == mailbox.recipients
    assert "evil.example" not in text + letter["Subject"]
    assert "@" not in text
    assert "\u202e" not in text + letter["Subject"]
    assert 1 == text.count("://")


@pytest.mark.requirement("notices:mail:nothing-to-inject")
@pytest.mark.one_database
@pytest.mark.parametrize(
    "address",
    [
        "a,b@x.example",
        "a@x.example>\nBcc: b@x.example",
        "<a>@x.example",
        "a;b@x.example",
        "ü@x.example",
        'a"b@x.example',
        "a@x.example, b@x.example",
    ],
)
async def test_an_address_that_mail_servers_read_differently_gets_no_mail(address):
    """RFC 5321 §4.1.2: one plain address, or none."""
    sender = Mail(url="smtp://127.0.0.1:1", sender="approvals@auth.example")
    try:
        with pytest.raises(MailError, match="address_not_mailable"):
            await sender.send(to=address, subject="x", text="x", message_id="ntc_1")
    finally:
        await sender.close()


@pytest.mark.requirement("notices:mail:nothing-to-inject")
@pytest.mark.one_database
@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Refund v1.2", "Refund v1·2"),
        ("evil.example", "evil·example"),
        ("https://evil.example/a", "https   evil·example a"),
        ("evil。example", "evil·example"),
        ("Orders, Inc.", "Orders, Inc."),
        ("a@b", "a b"),
    ],
)
async def test_nothing_is_left_that_a_mail_program_makes_a_link_of(written, shown):
    """They guess at hosts and addresses in plain text."""
    assert shown == without_links(written)


@pytest.mark.requirement("notices:mail:tries-again")
async def test_a_letter_that_was_not_taken_is_tried_again_under_the_same_id(server, mailbox):
    """RFC 5321 §4.5.4: a 4xx is for now, and so is a server that says 5xx to us rather than to the person."""
    mailbox.refuse["DATA"] = "451 later"
    await told(server)
    await deliver(server)
    assert [] == mailbox.letters
    mailbox.refuse.clear()
    server.clock.advance(61)

    await deliver(server)

    assert 1 == len(mailbox.letters)
    server.clock.advance(600)
    await deliver(server)
    assert 1 == len(mailbox.letters)


@pytest.mark.requirement("notices:mail:tries-again")
async def test_a_person_whom_their_server_does_not_know_is_not_tried_again(server, mailbox):
    """RFC 5321 §4.2.1: a 5xx for the recipient is final."""
    mailbox.refuse["RCPT"] = "550 no such person"
    await told(server)
    await deliver(server)
    mailbox.refuse.clear()
    server.clock.advance(3600)

    await deliver(server)

    assert [] == mailbox.letters


@pytest.mark.requirement("notices:mail:tries-again")
@pytest.mark.one_database
async def test_a_mail_server_that_hangs_holds_two_letters_and_no_more():
    """What waits for a thread has not begun, and is tried later without a second letter."""
    mailbox = Mailbox(hangs=True)
    async with mailbox.open():
        sender = Mail(url=mailbox.url, sender="approvals@auth.example", seconds=0.3, silent_s=1)
        try:
            sent = [sender.send(to="a@x.example", subject="x", text="x", message_id=f"ntc_{n}") for n in range(4)]
            ended = await asyncio.gather(*sent, return_exceptions=True)
        finally:
            await sender.close()

    assert 2 == mailbox.connections
    assert ["busy", "busy", "timeout", "timeout"] == sorted(error.reason for error in ended)


@pytest.fixture
async def secured(tmp_path, request):
    """Yield a mailbox that speaks TLS (`implicit`) or offers STARTTLS, at an address that is not this machine's own name."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.2").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    (tmp_path / "credentials").write_text("us:canary-password\n")
    async with Mailbox(host="127.0.0.2", context=context, implicit=request.param == "smtps").open() as open_:
        yield open_, tmp_path


async def send(url, folder, *, ca=True):
    sender = Mail(
        url=url, sender="approvals@auth.example", credentials=folder / "credentials",
        ca_file=folder / "ca.pem" if ca else None,
    )  # fmt: skip
    try:
        await sender.send(to="ada@acme.example", subject="Ünïcode", text="x", message_id="ntc_1")
    finally:
        await sender.close()


@pytest.mark.requirement("notices:mail:over-tls")
@pytest.mark.one_database
@pytest.mark.parametrize("secured", ["smtp", "smtps"], indirect=True)
async def test_letter_and_credentials_leave_over_tls_that_is_verified(secured):
    """RFC 8314, RFC 3207: by smtps, or STARTTLS before anything else."""
    mailbox, folder = secured

    await send(mailbox.url, folder)

    assert "Ünïcode" == mailbox.letters[0]["Subject"]
    assert "<ntc_1@auth.example>" == mailbox.letters[0]["Message-ID"]
    assert (True, "AUTH \0us\0canary-password") in mailbox.commands
    assert {"EHLO", "STARTTLS"} >= {line.split(" ")[0] for secure, line in mailbox.commands if not secure}


@pytest.mark.requirement("notices:mail:over-tls")
@pytest.mark.one_database
@pytest.mark.parametrize("secured", ["smtp", "smtps"], indirect=True)
async def test_a_server_that_proves_nothing_gets_nothing(secured):
    """Its certificate is of nobody we believe."""
    mailbox, folder = secured

    with pytest.raises(MailError, match="tls"):
        await send(mailbox.url, folder, ca=False)

    assert not any("AUTH" in line or "MAIL" in line for _, line in mailbox.commands)


@pytest.mark.requirement("notices:mail:over-tls")
@pytest.mark.one_database
async def test_a_server_elsewhere_without_starttls_gets_nothing(tmp_path):
    """Somebody on the way removed the offer: RFC 3207 §6."""
    (tmp_path / "credentials").write_text("us:canary-password\n")
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with Mailbox(host="127.0.0.2").open() as mailbox:
        with pytest.raises(MailError, match="no_starttls"):
            await send(mailbox.url, tmp_path)

    assert not any("AUTH" in line or "MAIL" in line for _, line in mailbox.commands)


@pytest.mark.requirement("notices:mail:over-tls")
@pytest.mark.one_database
@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ({"smtp_url": "smtps://us:secret@mail.example", "mail_from": "a@b.example"}, "CREDENTIALS_FILE"),
        ({"smtp_url": "https://mail.example", "mail_from": "a@b.example"}, "smtps://HOST"),
        ({"smtp_url": "smtps://mail.example"}, "MAIL_FROM"),
        ({"smtp_url": "smtps://mail.example", "mail_from": "Ada <a@b.example>"}, "without a name"),
        ({"smtp_url": "smtps://mail.example", "mail_from": "a@b.example\nBcc: c@d.example"}, "without a name"),
    ],
)
async def test_a_wrong_setting_stops_the_start_and_names_the_cure(said, cure):
    """And a password has no place in a URL, which stands in process lists and dumps of the environment."""
    with pytest.raises(ValueError, match=cure):
        Settings(**said)


@pytest.mark.requirement("notices:mail:over-tls")
@pytest.mark.one_database
@pytest.mark.parametrize("written", [None, "", "us", "us:", ":word", "us:word\nmore"])
async def test_credentials_that_cannot_be_used_stop_the_start(server_with, tmp_path, written):
    """One line user:password; the message names the setting and nothing of the file."""
    file = tmp_path / "credentials"
    if written is not None:
        file.write_text(written)

    with pytest.raises(SettingsError, match=r"^AUTHSERVER_SMTP_CREDENTIALS_FILE: ") as refused:
        await server_with(smtp_url="smtps://mail.example", mail_from="a@b.example", smtp_credentials_file=file)
    assert "word" not in str(refused.value).replace("user:password", "")


@pytest.mark.requirement("notices:mail:says-what-waits")
async def test_without_a_mail_server_nobody_is_written_to_and_nothing_waits(server_with):
    """Mail is an option of the operator's."""
    server = await server_with()
    await told(server)

    assert 0 == await delivery.deliver_due(server.machines)


@pytest.mark.requirement("notices:mail:says-what-waits")
@pytest.mark.one_database
async def test_no_row_holds_whom_a_notice_reaches_by_name(server, mailbox):
    """An e-mail address is read when the letter is written, and stands nowhere else in clear."""
    await told(server)
    await deliver(server)

    assert 1 == len(mailbox.letters)
    at_rest = server.bytes_at_rest()
    person = server.world.people["u1"]
    for name in (person.email, person.email.casefold(), person.name):
        assert name.encode() not in at_rest
    assert json.dumps("refund_order").encode() in at_rest
