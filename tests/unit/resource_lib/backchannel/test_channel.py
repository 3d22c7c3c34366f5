"""The channel to the issuer: bounded, strict, never redirected, and in this server's own name."""

import asyncio

import httpx2
import pytest

from resource_lib.backchannel.channel import MOST_BYTES, Channel, IssuerUnavailableError
from resource_lib.backchannel.credential import Credential

ISSUER = "https://issuer.test/of/acme"


def channel_to(answer, **settings):
    """A channel whose issuer is one function, and what it was asked."""
    asked = []

    async def answered(request):
        asked.append(request)
        found = answer(request)
        found = await found if asyncio.iscoroutine(found) else found
        return httpx2.Response(found.status_code, headers=found.headers, stream=httpx2.ByteStream(found.content))

    credential = Credential(client_id="cli_1", secret="s3cret")
    return Channel(issuer=ISSUER, credential=credential, transport=httpx2.MockTransport(answered), **settings), asked


async def test_it_asks_below_the_issuer_with_its_own_credential_and_nothing_of_the_environment(monkeypatch):
    """RFC 6749 §2.3.1; a path issuer keeps its path."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    channel, asked = channel_to(lambda _: httpx2.Response(200, json={"state": "pending"}))

    reply = await channel.ask("POST", "/rs/approvals", body={"tool": "é"})

    assert {"state": "pending"} == reply.object()
    assert f"{ISSUER}/rs/approvals" == str(asked[0].url)
    assert asked[0].headers["authorization"].startswith("Basic ")
    assert '{"tool":"é"}'.encode() == asked[0].content
    assert "s3cret" not in repr(channel.credential) + repr(reply)


@pytest.mark.parametrize("status", [301, 302, 307, 401, 500, 503])
async def test_a_redirect_a_refused_credential_and_a_broken_issuer_are_no_answer(status):
    """The credential follows no redirect, and nobody is let through because the issuer stumbled."""
    channel, asked = channel_to(
        lambda _: httpx2.Response(status, headers={"location": "https://evil.test/", "retry-after": "7"}, json={})
    )

    with pytest.raises(IssuerUnavailableError) as error:
        await channel.ask("GET", "/rs/policy")

    assert (7, 1) == (error.value.retry_after_s, len(asked))


@pytest.mark.parametrize("said", ["", "-1", "999999999", "soon", "٣"])
async def test_an_odd_retry_after_is_read_as_a_short_wait(said):
    """RFC 9110 §10.2.3; nothing here parks a caller for a year."""
    channel, _ = channel_to(lambda _: httpx2.Response(503, headers={"retry-after": said.encode()}))

    with pytest.raises(IssuerUnavailableError) as error:
        await channel.ask("GET", "/rs/policy")

    assert 1 == error.value.retry_after_s


@pytest.mark.parametrize("body", [b"[]", b'{"a":1,"a":2}', b"<html>", b'{"a":NaN}', b"[" * 100_000, b'{"a":' * 80])
async def test_an_answer_that_is_not_one_strict_object_is_no_answer(body):
    """Two readers must not see two answers."""
    channel, _ = channel_to(lambda _: httpx2.Response(200, content=body))

    with pytest.raises(IssuerUnavailableError):
        (await channel.ask("GET", "/rs/policy")).object()


async def test_an_answer_without_end_and_one_that_never_comes_are_no_answers():
    """Bounded in size and in time."""
    endless, _ = channel_to(lambda _: httpx2.Response(200, content=b" " * (MOST_BYTES + 1)))
    silent, _ = channel_to(lambda _: asyncio.Event().wait(), timeout=0.05)

    for channel in (endless, silent):
        with pytest.raises(IssuerUnavailableError):
            await channel.ask("GET", "/rs/policy")


async def test_a_connection_that_died_is_replaced_once_and_not_for_ever():
    """RFC 9112 §9.3.1: a kept connection may close at any moment."""
    deaths = [1]

    def dying(request):
        if deaths and deaths.pop():
            raise httpx2.RemoteProtocolError("gone", request=request)
        return httpx2.Response(200, json={})

    channel, asked = channel_to(dying)
    reply = await channel.ask("GET", "/rs/policy")
    deaths[:] = [1, 1, 1]
    with pytest.raises(IssuerUnavailableError):
        await channel.ask("GET", "/rs/policy")

    assert (200, 4) == (reply.status, len(asked))


def test_every_event_loop_has_connections_of_its_own():
    """A server's author may run two loops; a connection belongs to one."""
    channel, asked = channel_to(lambda _: httpx2.Response(200, json={}))

    async def once():
        await channel.ask("GET", "/rs/policy")
        await channel.aclose()
        await channel.ask("GET", "/rs/policy")

    asyncio.run(once())
    asyncio.run(once())

    assert 4 == len(asked)


def test_an_issuer_without_tls_is_refused_before_the_secret_is_sent():
    """RFC 6749 §2.3.1: the secret goes over TLS; loopback is this machine."""
    credential = Credential(client_id="cli_1", secret="s3cret")
    Channel(issuer="http://127.0.0.1:9000", credential=credential)
    with pytest.raises(ValueError, match="https"):
        Channel(issuer="http://issuer.example", credential=credential)
