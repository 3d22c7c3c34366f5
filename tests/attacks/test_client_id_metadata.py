"""An attacker publishes documents, takes one over, or names them by the thousand."""

import json

import pytest

from tests.support import assertions
from tests.support.internet import PUBLIC, Answer
from tests.support.oauth_client import DEVICE_CODE
from tests.support.publisher import HOST, REDIRECT, URL, Publisher, app, document
from tests.support.server import Server

HOUR = 3601
KEYS = {"token_endpoint_auth_method": "private_key_jwt"}


def proving(key: dict) -> dict:
    return {**KEYS, "jwks": json.loads(assertions.key_set(key))}


@pytest.mark.requirement("attack:cimd:a-document-taken-over-takes-over-nothing")
@pytest.mark.parametrize("taken", ["without proof", "another key", "another place of keys", "an algorithm"])
async def test_whoever_takes_a_document_over_cannot_use_what_it_began(
    reading_server: Server, publisher: Publisher, taken: str
):
    """CM-06: a stolen refresh token or code is worth nothing to somebody who then changes how the client proves itself."""
    owner, thief = assertions.new_key("k1"), assertions.new_key("k1")
    publisher.publish(**proving(owner))
    client = app(reading_server, auth_method="private_key_jwt", key=owner)
    tokens = await client.sign_in("u1")
    reading_server.clock.advance(HOUR - 30)
    code = await client.authorize("u1")
    changed = {
        "without proof": {},
        "another key": proving(thief),
        "another place of keys": {**KEYS, "jwks_uri": "https://client.example.net/jwks.json"},
        "an algorithm": {**proving(thief), "token_endpoint_auth_signing_alg": "ES256"},
    }[taken]
    publisher.publish(**changed)
    publisher.answers["/jwks.json"] = assertions.key_set(thief).encode()
    reading_server.clock.advance(31)

    attacker = app(reading_server) if taken == "without proof" else app(
        reading_server, auth_method="private_key_jwt", key=thief
    )  # fmt: skip
    stolen = [await attacker.refresh(tokens), await attacker.redeem(code)]

    assert ["invalid_grant", "invalid_grant"] == [answer.error for answer in stolen]
    publisher.publish(**proving(owner))
    reading_server.clock.advance(HOUR)
    assert (await client.refresh(tokens)).ok


@pytest.mark.requirement("attack:cimd:a-document-taken-over-takes-over-nothing")
@pytest.mark.parametrize("taken", ["without proof", "another key"])
async def test_whoever_takes_a_document_over_cannot_fetch_what_a_device_was_allowed(
    reading_server: Server, publisher: Publisher, taken: str
):
    """CM-06, RFC 8628 §5.2: a stolen device code is worth nothing to another key than the person's yes was given to."""
    owner, thief = assertions.new_key("k1"), assertions.new_key("k1")
    grants = {"grant_types": [DEVICE_CODE, "refresh_token"]}
    publisher.publish(**grants, **proving(owner))
    client = app(reading_server, auth_method="private_key_jwt", key=owner)
    await client.start_device()
    reading_server.clock.advance(HOUR - 30)
    started = await client.start_device()
    await client.connect("u1", started)
    publisher.publish(**grants, **({} if taken == "without proof" else proving(thief)))
    reading_server.clock.advance(31)

    attacker = app(reading_server) if taken == "without proof" else app(
        reading_server, auth_method="private_key_jwt", key=thief
    )  # fmt: skip
    stolen = await attacker.poll(started)

    assert (400, "invalid_grant") == (stolen.status, stolen.error)
    assert (401, "invalid_client") == ((late := await client.poll(started)).status, late.error)


@pytest.mark.requirement("attack:cimd:a-document-taken-over-takes-over-nothing")
async def test_a_stronger_proof_cuts_nobody_off(reading_server: Server, publisher: Publisher):
    """ChatGPT's documents went from `none` to a key: what was begun without proof goes on with one."""
    publisher.publish()
    tokens = await app(reading_server).sign_in("u1")
    key = assertions.new_key()
    publisher.publish(**proving(key))
    reading_server.clock.advance(HOUR)

    weak = await app(reading_server).refresh(tokens)
    strong = await app(reading_server, auth_method="private_key_jwt", key=key).refresh(tokens)

    assert ("invalid_client", True) == (weak.error, strong.ok)


@pytest.mark.requirement("attack:cimd:a-new-redirect-gets-no-silent-code")
async def test_a_new_redirect_uri_in_a_document_gets_no_code_without_a_person(
    reading_server: Server, publisher: Publisher
):
    """CM-06: consent given to the old document must not send a code to where the new one says."""
    key = assertions.new_key()
    publisher.publish(**proving(key))
    await app(reading_server, auth_method="private_key_jwt", key=key).sign_in("u1")
    publisher.publish(**proving(key), redirect_uris=["https://attacker.example/cb"])
    reading_server.clock.advance(HOUR)
    moved = app(reading_server, auth_method="private_key_jwt", key=key, redirect_uris=("https://attacker.example/cb",))

    page = await moved.consent_page("u1")

    assert page.is_consent
    assert "attacker.example" in page.text
    silent = await moved.ask("u1", prompt="none")
    assert "code=" not in (silent.location or "")


@pytest.mark.requirement("attack:cimd:a-code-goes-to-a-redirect-that-is-still-named")
async def test_a_code_for_a_redirect_uri_that_the_document_names_no_more_is_dead(
    reading_server: Server, publisher: Publisher
):
    """Ours: an owner who takes a stolen callback out of the document ends the codes that went there."""
    publisher.publish()
    await app(reading_server).ask("u1")
    reading_server.clock.advance(HOUR - 30)
    code = await app(reading_server).authorize("u1")
    publisher.publish(redirect_uris=["https://client.example.net/new"])
    reading_server.clock.advance(31)

    answer = await app(reading_server).redeem(code)

    assert "invalid_grant" == answer.error


@pytest.mark.one_database
@pytest.mark.requirement("attack:cimd:a-document-is-nobody-elses")
@pytest.mark.parametrize("claimed", ["P", "M"])
async def test_a_document_cannot_be_a_client_that_is_known_already(
    reading_server: Server, publisher: Publisher, claimed: str
):
    """CM-01: whatever it says of itself, it is the client of its own URL and of nothing else."""
    victim = reading_server.world.clients[claimed]
    publisher.answers["/oauth/client.json"] = document(client_id=victim.client_id)

    page = await app(reading_server).ask("u1")
    untouched = next(
        one
        for one in await reading_server.operator.clients(reading_server.world.tenants["t1"])
        if one.id == victim.client_id
    )

    assert reading_server.is_error_page(page)
    assert ("operator", victim.redirect_uris) == (untouched.origin, untouched.redirect_uris)


@pytest.mark.one_database
@pytest.mark.requirement("attack:cimd:floods-are-bounded")
async def test_one_address_makes_us_read_a_bounded_number_of_documents(reading_server: Server, publisher: Publisher):
    """CM-09, decision 12: by address prefix; what is known already is served to everybody meanwhile."""
    publisher.publish()
    await app(reading_server).ask(reading_server.browser("198.51.100.9"))
    urls = [publisher.publish(f"https://client.example.net/{number}.json") for number in range(100)]
    rows = len(await reading_server.operator.clients("*"))

    for url in urls:
        await app(reading_server, url).ask(reading_server.browser("198.51.100.7"))

    assert 61 == publisher.asked
    assert rows + 60 == len(await reading_server.operator.clients("*"))
    assert (await app(reading_server).ask(reading_server.browser("198.51.100.7"))).is_login
    assert (await app(reading_server, urls[99]).ask(reading_server.browser("203.0.113.5"))).is_login
    refused = await app(reading_server, "https://client.example.net/x.json").ask(reading_server.browser("198.51.100.7"))
    assert reading_server.is_error_page(refused)
    reading_server.clock.advance(60)
    assert (await app(reading_server, urls[98]).ask(reading_server.browser("198.51.100.7"))).is_login


@pytest.mark.one_database
@pytest.mark.requirement("attack:cimd:floods-are-bounded")
@pytest.mark.parametrize("is_restarted", [False, True])
async def test_whoever_names_documents_at_a_host_keeps_nobody_from_its_real_ones(
    server_with, publisher: Publisher, is_restarted: bool
):
    """Decision 12: what is invented spends no budget of what is known, neither a document's nor that of its owner's keys."""
    key = assertions.new_key("k1")
    publisher.answers["/keys.json"] = assertions.key_set(key).encode()
    publisher.publish(**KEYS, jwks_uri=f"https://{HOST}/keys.json")
    # All within one moment of the fetcher's own clock: what one host may be asked in a burst does not come back.
    server = await server_with(outbound=publisher.outbound(clock=lambda: 0))
    client = app(server, auth_method="private_key_jwt", key=key)
    tokens = await client.sign_in("u1")
    assert tokens.ok

    for number in range(70):
        stranger = server.browser(f"198.51.100.{number}")
        await app(server, f"https://{HOST}/invented/{number}.json").ask(stranger)
        publisher.internet.names[f"n{number}.example.net"] = [[PUBLIC]]
        await app(server, f"https://n{number}.example.net/x.json").ask(stranger)
    server.clock.advance(HOUR)
    if is_restarted:
        await server.restart()
    publisher.publish(**KEYS, jwks_uri=f"https://{HOST}/keys.json", client_name="Another Name")
    client = app(server, auth_method="private_key_jwt", key=key)

    refreshed = await client.refresh(tokens)

    assert refreshed.ok, refreshed.body
    assert "Another Name" in (await client.consent_page("u1")).text


@pytest.mark.one_database
@pytest.mark.requirement("attack:cimd:floods-are-bounded")
async def test_a_new_document_makes_no_process_forget_what_it_knows(reading_server: Server, publisher: Publisher):
    """Ours: whoever names URLs by the thousand must not empty every process' memory each time."""
    await reading_server.client("P").sign_in("u1")
    before = reading_server.machines.memory.version
    from authserver.domain.revocation import tail

    await tail.look(reading_server.machines.work())
    version = reading_server.machines.memory.version
    for number in range(5):
        await app(reading_server, publisher.publish(f"https://client.example.net/{number}.json")).ask("u1")

    await tail.look(reading_server.machines.work())

    assert before <= version == reading_server.machines.memory.version


@pytest.mark.one_database
@pytest.mark.requirement("attack:cimd:what-is-shown-is-not-foreign")
@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=302, headers={"location": "https://169.254.169.254/SECRET"}),
        Answer(status=500, body=b"SECRET of an inner service"),
        Answer(body=b"SECRET", headers={"content-type": "text/plain"}),
        Answer(body=b'{"client_id": "SECRET"}'),
        Answer(body=json.dumps(document(client_name=["SECRET"])).encode()),
        Answer(body=json.dumps(document(redirect_uris=["SECRET:x"])).encode()),
    ],
    ids=["redirect", "error", "text", "client_id", "name", "redirect_uri"],
)
async def test_the_error_page_repeats_nothing_of_what_was_fetched(
    reading_server: Server, publisher: Publisher, answer: Answer
):
    """CWE-918: a page that repeated the answer would read our network aloud to whoever named the URL."""
    publisher.answers["/oauth/client.json"] = answer

    page = await app(reading_server).ask("u1")

    assert reading_server.is_error_page(page)
    assert "SECRET" not in page.response.text
    assert "169.254" not in page.response.text


@pytest.mark.one_database
@pytest.mark.requirement("attack:cimd:what-is-shown-is-not-foreign")
async def test_a_name_that_exists_inside_and_one_that_does_not_look_the_same(
    reading_server: Server, publisher: Publisher
):
    """CWE-203: what our resolver knows of our own network is nobody's business."""
    publisher.internet.names["db.corp.example"] = [["10.1.2.3"]]

    inside = await app(reading_server, "https://db.corp.example/a.json").ask("u1")
    nowhere = await app(reading_server, "https://nothing.corp.example/a.json").ask("u1")

    def words(page):
        return page.text.replace(page.response.headers.get("x-request-id", "-"), "")

    said = "could not be reached at a public address"
    assert (True, True) == (said in words(inside), said in words(nowhere))
    assert [] == publisher.internet.dialled


@pytest.mark.one_database
@pytest.mark.requirement("attack:cimd:what-is-shown-is-not-foreign")
async def test_a_name_is_text_on_every_page(reading_server: Server, publisher: Publisher):
    """DR-05: a document's name is its author's; it must not become markup, nor look like another line of the page."""
    publisher.publish(client_name='<script>alert(1)</script>"><b>Added by an administrator</b>\u202e')

    page = await app(reading_server).consent_page("u1")

    assert page.is_consent
    assert "<script>alert" not in page.response.text
    assert "<b>Added" not in page.response.text
    assert "\u202e" not in page.response.text
    assert REDIRECT.split("/")[2] in page.text
    assert URL.split("/")[2] in page.text
