"""
AP-17: somebody tells a receiver of an approval that never was, or makes us tell somebody who should not hear.

The check is written from the text of Standard Webhooks 1.0 and knows nothing of the server (`support/receiver.py`).
"""

import base64
import hashlib
import hmac
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from authserver.domain.audit import event
from authserver.domain.keys import deployment
from authserver.domain.notices import delivery, webhook
from authserver.domain.notices.webhook import InvalidWebhookError
from authserver.runtime.vault import LocalKeyEncryption
from tests.attacks.test_secrets_in_logs import written  # noqa: F401 - a fixture
from tests.support.internet import Answer, Internet
from tests.support.receiver import TOLERANCE_S, ForgedError, Receiver, hooked, told, verify


@pytest.fixture
async def receiver():
    async with Internet().running() as internet:
        made = Receiver(internet)
        await made.open()
        yield made


@pytest.fixture
async def server(server_with, receiver, tmp_path):
    made = await server_with(outbound=receiver.outbound(tmp_path))
    receiver.clock = made.clock
    return made


@pytest.fixture
async def ours(server, receiver):
    """Return a genuine call: the secret, the headers, the body."""
    made = await hooked(server)
    await told(server)
    await delivery.deliver_due(server.machines)
    return made.secret, receiver.posted[0].headers, receiver.posted[0].body


def signed(key: bytes, message_id: str, at: int, body: bytes) -> str:
    digest = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def verify_as_published():
    """Return the check that docs/operating.md gives to receivers."""
    page = (Path(__file__).resolve().parents[2] / "docs/operating.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```python\n(import base64.*?)```", page, re.DOTALL)
    made: dict = {}
    exec(snippet, made)
    return made["verify"]


FORGERIES = {
    "unsigned": lambda headers, body: ({k: v for k, v in headers.items() if k != "webhook-signature"}, body),
    "an empty signature": lambda headers, body: ({**headers, "webhook-signature": "v1,"}, body),
    "another version": lambda headers, body: (
        {**headers, "webhook-signature": headers["webhook-signature"].replace("v1,", "v0,")},
        body,
    ),
    "signed by somebody else": lambda headers, body: (
        {
            **headers,
            "webhook-signature": signed(b"k" * 32, headers["webhook-id"], int(headers["webhook-timestamp"]), body),
        },
        body,
    ),
    "signed with no key": lambda headers, body: (
        {**headers, "webhook-signature": signed(b"", headers["webhook-id"], int(headers["webhook-timestamp"]), body)},
        body,
    ),
    "approved instead of pending": lambda headers, body: (headers, body.replace(b'"pending"', b'"approved"')),
    "another page": lambda headers, body: (headers, body.replace(b"127.0.0.1:9000", b"evil.example:443")),
    "another id": lambda headers, body: ({**headers, "webhook-id": "ntc_another"}, body),
    "a fresh time on an old call": lambda headers, body: (
        {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)},
        body,
    ),
    "id and time run together": lambda headers, body: (
        {**headers, "webhook-id": headers["webhook-id"] + "." + headers["webhook-timestamp"], "webhook-timestamp": "1"},
        body,
    ),
}


@pytest.mark.requirement("notices:webhook:forged-replayed-unsigned-refused")
@pytest.mark.one_database
@pytest.mark.parametrize("how", FORGERIES)
async def test_what_we_did_not_sign_is_refused_and_what_we_signed_is_not(server, ours, how):
    """AP-17: beside the forgery, the genuine call passes."""
    secret, headers, body = ours
    forged_headers, forged_body = FORGERIES[how](headers, body)
    assert (forged_headers, forged_body) != (headers, body)

    published = verify_as_published()
    assert not published(secret, forged_headers, forged_body, set(), server.now)
    assert published(secret, headers, body, set(), server.now)
    with pytest.raises(ForgedError):
        verify(secret, forged_headers, forged_body, now=server.now, seen=set())
    assert "approval.requested" == verify(secret, headers, body, now=server.now, seen=set())["type"]


@pytest.mark.requirement("notices:webhook:forged-replayed-unsigned-refused")
@pytest.mark.one_database
async def test_a_replay_is_refused_by_its_id_and_later_by_its_time(server, ours):
    """AP-17: within the tolerance the id is remembered, after it the timestamp is too old."""
    secret, headers, body = ours
    seen: set[str] = set()
    verify(secret, headers, body, now=server.now, seen=seen)

    with pytest.raises(ForgedError):
        verify(secret, headers, body, now=server.now, seen=seen)
    published, known = verify_as_published(), set()
    assert [True, False] == [published(secret, headers, body, known, server.now) for _ in range(2)]
    for late in (TOLERANCE_S + 1, -TOLERANCE_S - 1):
        assert not published(secret, headers, body, set(), server.now + late)
        with pytest.raises(ForgedError):
            verify(secret, headers, body, now=server.now + late, seen=set())


@pytest.mark.requirement("notices:webhook:forged-replayed-unsigned-refused")
@pytest.mark.one_database
async def test_a_call_for_one_receiver_is_nothing_at_another(server, receiver, ours):
    """A receiver cannot pass what it was told to another receiver of the same tenant: each has a secret of its own."""
    other = await hooked(server, "https://hooks.customer.example/other")

    with pytest.raises(ForgedError):
        verify(other.secret, ours[1], ours[2], now=server.now, seen=set())
    assert other.secret != ours[0]
    assert 32 == len(base64.b64decode(other.secret.removeprefix("whsec_")))


@pytest.mark.requirement("notices:webhook:speaks-to-nobody-of-ours")
@pytest.mark.one_database
@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.customer.example/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://10.0.0.7/",
        "https://169.254.169.254/latest/meta-data/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://db.internal/",
        "https://hooks.customer.example:8443/",
        "https://user:password@hooks.customer.example/",
        "https://user@hooks.customer.example/",
        "https://hooks.customer.example/\r\nX-Injected: 1",
        "https://hooks.customer.example/#part",
        "https://hooks.customer.example\\@evil.example/",
        "file:///etc/passwd",
        "https://hooks.customer.example/" + "a" * 3000,
    ],
)
async def test_an_address_that_may_not_be_asked_is_refused_when_it_is_added(server, url):
    """CWE-918: and what holds a password in its host part is refused, since it would stand in logs."""
    with pytest.raises(InvalidWebhookError, match=r"^url: "):
        await hooked(server, url)


@pytest.mark.requirement("notices:webhook:speaks-to-nobody-of-ours")
@pytest.mark.one_database
@pytest.mark.parametrize("inside", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1"])
async def test_a_name_that_leads_into_our_network_later_is_not_called(server, receiver, inside):
    """DNS rebinding: it is checked at each call, and every answer must be public."""
    made = await hooked(server)
    receiver.internet.names["hooks.customer.example"] = [["93.184.216.34", inside]]
    await told(server)

    await delivery.deliver_due(server.machines)

    assert [] == receiver.internet.dialled
    shown = await webhook.attempts(server.operator.work("t1"), made.webhook)
    assert ["address_not_public"] == [each.failure for each in shown]


@pytest.mark.requirement("notices:webhook:speaks-to-nobody-of-ours")
@pytest.mark.one_database
async def test_a_redirect_is_a_failure_and_nobody_is_asked_there(server, receiver):
    """Otherwise whoever is told chooses where a signed call goes next."""
    made = await hooked(server)
    receiver.answer = Answer(status=307, headers={"location": "https://elsewhere.example/"})
    await told(server)

    await delivery.deliver_due(server.machines)

    assert ["hooks.customer.example"] == receiver.internet.asked
    shown = await webhook.attempts(server.operator.work("t1"), made.webhook)
    assert ["status_307"] == [each.failure for each in shown]


@pytest.mark.requirement("notices:webhook:secret-stays-secret")
@pytest.mark.one_database
async def test_neither_secret_nor_address_is_in_the_file_or_in_the_log(server, receiver, written):  # noqa: F811
    """A path or a query can be as good as a password; the log names the notice alone."""
    made = await hooked(server, "https://hooks.customer.example/canary-path?token=canary-query")
    receiver.answer = Answer(status=500)
    await told(server)
    await delivery.deliver_due(server.machines)

    everything = server.bytes_at_rest() + written.getvalue().encode()
    key = base64.b64decode(made.secret.removeprefix("whsec_"))
    for canary in (
        b"canary-path",
        b"canary-query",
        made.secret.encode(),
        made.secret[6:].encode(),
        key,
        key.hex().encode(),
    ):
        assert canary not in everything
    assert b"notice_not_delivered" in everything
    for row in await event.recent(server.operator.work("t1")):
        said = row["header"] + json.dumps(event.open_payload(server.operator.work("t1"), row))
        assert "canary" not in said
    assert "canary" not in repr(made.webhook)


@pytest.mark.requirement("notices:webhook:secret-stays-secret")
async def test_a_new_key_encryption_key_reaches_webhooks_too(server, receiver):
    """`key rewrap`, and `check` counts what is left."""
    made = await hooked(server)
    machines = server.machines
    machines.key_encryption._take(LocalKeyEncryption.generate("newer") + server.settings.kek.get_secret_value())
    late = await deployment.sealed_by_another(machines)
    count = await deployment.rewrap(machines)
    await told(server)

    await delivery.deliver_due(machines)

    assert late == count
    assert 0 == await deployment.sealed_by_another(machines)
    posted = receiver.posted[0]
    assert verify(made.secret, posted.headers, posted.body, now=server.now, seen=set())


@pytest.mark.requirement("notices:webhook:secret-stays-secret")
@pytest.mark.one_database
async def test_an_envelope_moved_from_another_tenant_signs_nothing_and_calls_nobody(server, receiver):
    """Whoever can write rows and has no key cannot point one tenant's calls at another tenant's address."""
    mine, theirs = await hooked(server), await hooked(server, "https://theirs.customer.example/", tenant="t2")
    with closing(sqlite3.connect(server.place.url.removeprefix("sqlite:///"))) as connection:
        connection.execute(
            "UPDATE webhooks SET secret = (SELECT secret FROM webhooks WHERE webhook_id = ?) WHERE webhook_id = ?",
            (theirs.webhook.id, mine.webhook.id),
        )
        connection.commit()
    await told(server)

    await delivery.deliver_due(server.machines)

    assert [] == receiver.internet.asked
    shown = await webhook.attempts(server.operator.work("t1"), mine.webhook)
    assert ["secret_unreadable"] == [each.failure for each in shown]


@pytest.mark.requirement("notices:webhook:speaks-to-nobody-of-ours")
@pytest.mark.one_database
async def test_a_tenant_has_ten_webhooks_at_most(server):
    """One tenant's events must not become a flood at somebody's door."""
    for number in range(10):
        await hooked(server, f"https://hooks.customer.example/{number}")

    with pytest.raises(InvalidWebhookError, match="at most 10"):
        await hooked(server, "https://hooks.customer.example/one-more")
