"""`exchange_for` inside a call: one token per caller, resource and scope, asked for once, kept within bounds, and shown to nobody."""

import asyncio
import copy
import logging
import pickle

import httpx2
import pytest

from resource_lib import ExchangedToken, ExchangeRefusedError, ExchangeUnavailableError, NoPrincipalError, SettingsError
from resource_lib.backchannel.credential import Credential, find
from resource_lib.exchange import upstream as module
from resource_lib.exchange.kept import Kept
from resource_lib.exchange.upstream import Upstream, carrying, exchange_for
from tests.support.token_endpoint import ISSUER, FakeEndpoint

API = "https://api.test/v1"
CALLER = "caller-canary-token"


@pytest.fixture
def fake():
    return FakeEndpoint()


@pytest.fixture
def upstream(fake):
    return Upstream(fake.endpoint())


@pytest.mark.requirement("guard:exchange:asks-as-rfc8693-says")
async def test_it_asks_as_the_specification_says_and_once_per_caller_resource_and_scope(fake, upstream):
    """RFC 8693 §2.1, RFC 6749 §2.3.1."""
    with carrying(CALLER, upstream):
        first = await exchange_for(API, "orders:write orders:read")
        again = await exchange_for(API, ["orders:read", "orders:write"])
        narrower = await exchange_for(API, "orders:read")
        default = await exchange_for(API)
    with carrying("another", upstream):
        other = await exchange_for(API, "orders:read")

    assert first == again
    assert 4 == len({first, narrower, default, other}) == len(fake.asked)
    assert {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": CALLER,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "resource": API,
        "scope": "orders:read orders:write",
    } == fake.asked[0]
    assert "scope" not in fake.asked[2]
    assert "Basic Y2xpX3g6Y3NfY2FuYXJ5" == fake.headers[0]["authorization"]


@pytest.mark.requirement("guard:exchange:is-kept-within-bounds")
async def test_it_is_asked_again_shortly_before_its_end_and_not_earlier(fake, upstream):
    """RFC 8693 §2.2.1 `expires_in`, counted from before the request was sent."""
    with carrying(CALLER, upstream):
        first = await exchange_for(API)
        fake.now += 589
        kept = await exchange_for(API)
        fake.now += 2
        anew = await exchange_for(API)

    assert first == kept != anew


@pytest.mark.requirement("guard:exchange:is-kept-within-bounds")
async def test_a_hundred_calls_at_once_ask_once_and_one_that_gives_up_stops_nobody(fake, upstream):
    """Ours: one flight, shared, and nobody's in particular."""
    fake.gate = asyncio.Event()
    with carrying(CALLER, upstream):
        calls = [asyncio.create_task(exchange_for(API)) for _ in range(100)]
    while not fake.asked:
        await asyncio.sleep(0)
    calls[0].cancel()
    fake.gate.set()

    found = await asyncio.gather(*calls, return_exceptions=True)

    assert isinstance(found[0], asyncio.CancelledError)
    assert {"token-1"} == set(found[1:])
    assert 1 == len(fake.asked)


@pytest.mark.requirement("guard:exchange:is-kept-within-bounds")
async def test_only_so_many_are_kept(fake):
    """Ours: a flood of callers is bounded in memory; the oldest gives way."""
    small = Upstream(fake.endpoint(), most=3)
    for caller in "abcd":
        with carrying(caller, small):
            await exchange_for(API)

    for caller in "bcda":
        with carrying(caller, small):
            await exchange_for(API)

    assert 5 == len(fake.asked)


@pytest.mark.requirement("guard:exchange:refusals-are-typed")
async def test_a_refusal_is_told_with_its_code_and_not_asked_again_at_once(fake, upstream):
    """RFC 8693 §2.2.2: the tool learns the OAuth error; a loop does not reach the issuer."""
    fake.status, fake.changed = 400, {"error": "invalid_scope", "error_description": "scope: \x07is too much"}
    with carrying(CALLER, upstream):
        for _ in range(5):
            with pytest.raises(ExchangeRefusedError) as refused:
                await exchange_for(API, "orders:admin")
        once = len(fake.asked)
        fake.status, fake.changed, fake.now = 200, {}, fake.now + 6
        later = await exchange_for(API, "orders:admin")

    assert "invalid_scope" == refused.value.error
    assert "scope: is too much" == refused.value.description
    assert 1 == once
    assert "token-2" == later


@pytest.mark.requirement("guard:exchange:refusals-are-typed")
@pytest.mark.parametrize(
    "broken",
    [
        {"status": 503},
        {"status": 302, "extra": [(b"location", b"https://evil.test/token")]},
        {"status": 429, "extra": [(b"retry-after", b"7")]},
        {"raw": b"<html>"},
        {"raw": b'{"access_token":"a","access_token":"b"}'},
        {"raw": b" " * 70_000},
        {"changed": {"token_type": "DPoP"}},
        {"changed": {"issued_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}},
        {"changed": {"access_token": "a\nb"}},
        {"changed": {"access_token": 7}},
        {"changed": {"expires_in": "600"}},
        {"changed": {"expires_in": -1}},
        {"changed": {"expires_in": True}},
        {"status": 400, "raw": b"{}"},
        {"metadata": {"issuer": "https://evil.test", "token_endpoint": f"{ISSUER}/token"}},
        {"metadata": {"issuer": ISSUER, "token_endpoint": "http://issuer.test/token"}},
        {"metadata": {"issuer": ISSUER}},
    ],
    ids=str,
)
async def test_what_is_no_proper_answer_is_no_answer(fake, upstream, broken):
    """RFC 6749 §5.1, RFC 8414 §3.3: no redirect, no plain http, no other kind of token, nothing unbounded."""
    for name, value in broken.items():
        setattr(fake, name, value)

    with carrying(CALLER, upstream), pytest.raises(ExchangeUnavailableError) as unavailable:
        await exchange_for(API)

    assert unavailable.value.retry_after_s == (7 if broken.get("status") == 429 else 1)
    assert "/token" not in fake.paths or len(fake.asked) == 1
    assert CALLER not in str(unavailable.value)


@pytest.mark.requirement("guard:exchange:refusals-are-typed")
async def test_a_secret_that_cannot_be_read_for_a_moment_is_an_issuer_that_cannot_be_asked(fake, tmp_path):
    """Ours: its file is being replaced; the call is refused for now, not broken, and the next one goes on."""
    place = tmp_path / "secret"
    place.write_text("cs_canary")
    upstream = Upstream(fake.endpoint(credential=Credential(client_id="cli_x", secret_file=place)))

    place.unlink()
    with carrying(CALLER, upstream), pytest.raises(ExchangeUnavailableError):
        await exchange_for(API)
    place.write_text("cs_next")
    with carrying(CALLER, upstream):
        token = await exchange_for(API)

    assert ("token-1", 1) == (token, len(fake.asked))


@pytest.mark.requirement("guard:exchange:refusals-are-typed")
async def test_a_slow_issuer_is_given_up(fake):
    """Ours: a tool call does not hang on the issuer."""
    fake.gate = asyncio.Event()

    with carrying(CALLER, Upstream(fake.endpoint(timeout=0.05))), pytest.raises(ExchangeUnavailableError):
        await exchange_for(API)


@pytest.mark.requirement("guard:exchange:the-callers-token-stays-in")
async def test_the_callers_token_cannot_be_read_printed_copied_or_kept(fake, upstream, caplog):
    """MCP "Token Passthrough": nothing that a tool can reach by name holds it."""
    caplog.set_level(logging.DEBUG)
    with carrying(CALLER, upstream):
        traded = await exchange_for(API)
        carried = module._current.get()

        assert CALLER not in repr(carried) + str(carried)
        assert CALLER not in "".join(repr(getattr(carried, name)) for name in dir(carried))
        for escape in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                escape(carried)
    assert CALLER != traded
    assert CALLER not in caplog.text
    with pytest.raises(NoPrincipalError):
        await exchange_for(API)


@pytest.mark.requirement("guard:exchange:the-callers-token-stays-in")
async def test_what_is_kept_or_raised_shows_no_token_and_no_secret(fake, upstream):
    """C47."""
    with carrying(CALLER, upstream):
        token = await exchange_for(API)
    kept = upstream._kept._good

    assert token not in repr(kept)
    assert CALLER not in repr(kept)
    assert "cs_canary" not in repr(fake.endpoint().channel.credential) + repr(vars(fake.endpoint()))


@pytest.mark.requirement("guard:exchange:needs-a-credential")
async def test_without_a_credential_it_says_which_setting_is_missing():
    """Design decision 18: a guard without a credential is token-only."""
    with carrying(CALLER, Upstream(None)), pytest.raises(SettingsError, match="RESOURCE_GUARD_CLIENT_ID"):
        await exchange_for(API)


@pytest.mark.requirement("guard:exchange:needs-a-credential")
async def test_a_credential_comes_from_arguments_or_the_environment_and_a_file_is_read_anew(tmp_path):
    """Design §4: RESOURCE_GUARD_CLIENT_ID, RESOURCE_GUARD_CLIENT_SECRET_FILE."""
    file = tmp_path / "secret"
    file.write_text("cs_first\n")
    environment = {"RESOURCE_GUARD_CLIENT_ID": "cli_a", "RESOURCE_GUARD_CLIENT_SECRET_FILE": str(file)}
    nothing = {"client_id": None, "client_secret": None, "client_secret_file": None}

    found = find(**nothing, environment=environment)
    before = found.header()
    file.write_text("cs_second\n")

    assert find(**nothing, environment={}) is None
    assert "cli_b" == find(**nothing | {"client_id": "cli_b", "client_secret": "x"}, environment=environment).client_id
    assert before != found.header()
    for half in (
        {"client_id": "cli_a"},
        {"client_secret": "x"},
        {"client_id": "cli_a", "client_secret": ""},
        {"client_id": "cli_a", "client_secret_file": tmp_path / "missing"},
        {"client_id": "cli_a", "client_secret": "x", "client_secret_file": file},
    ):
        with pytest.raises(SettingsError):
            find(**nothing | half, environment={})


@pytest.mark.requirement("guard:exchange:goes-to-its-own-resource-alone")
@pytest.mark.parametrize(
    "url", ["http://api.test/v1", "https://api.test:444/v1", "https://evil.test/v1", "https://api.test.evil.test/v1"]
)
async def test_the_auth_class_sends_a_token_to_no_other_origin(upstream, url):
    """RFC 8707 §3: a token of one resource shown to another is a token given away."""
    seen = []
    transport = httpx2.MockTransport(lambda request: seen.append(request) or httpx2.Response(200))
    async with httpx2.AsyncClient(auth=ExchangedToken(API, "orders:read"), transport=transport) as http:
        with carrying(CALLER, upstream):
            good = await http.get(API + "/orders")
            with pytest.raises(SettingsError):
                await http.get(url)

    assert 200 == good.status_code
    assert ["Bearer token-1"] == [request.headers["authorization"] for request in seen]


@pytest.mark.requirement("guard:exchange:goes-to-its-own-resource-alone")
async def test_a_token_that_the_api_does_not_take_is_not_used_again(fake, upstream):
    """RFC 6750 §3.1: it was ended meanwhile, so the next call asks anew."""
    transport = httpx2.MockTransport(lambda request: httpx2.Response(401))
    async with httpx2.AsyncClient(auth=ExchangedToken(API), transport=transport) as http:
        with carrying(CALLER, upstream):
            await http.get(API)
            await http.get(API)

    assert 2 == len(fake.asked)


@pytest.mark.requirement("guard:exchange:goes-to-its-own-resource-alone")
@pytest.mark.parametrize("resource", ["http://api.test", "api.test", "", "https://api.test/#x", "https://u@api.test"])
async def test_a_resource_is_an_https_url(upstream, resource):
    """RFC 8707 §2."""
    with carrying(CALLER, upstream), pytest.raises(SettingsError):
        await exchange_for(resource)


@pytest.mark.requirement("guard:exchange:is-kept-within-bounds")
async def test_nothing_is_kept_of_an_accident(fake):
    """Ours."""
    kept, tries = Kept(clock=lambda: 0.0), []

    async def trade():
        tries.append(1)
        raise ExchangeUnavailableError

    for _ in range(3):
        with pytest.raises(ExchangeUnavailableError):
            await kept.get("key", trade)

    assert 3 == len(tries)


@pytest.mark.requirement("guard:exchange:needs-a-credential")
def test_a_credential_of_another_kind_is_refused():
    with pytest.raises(SettingsError):
        Credential(client_id="a\nb", secret="x")
