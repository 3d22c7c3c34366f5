"""RFC 8252 §7.3: a program on the person's computer listens on whatever port it gets."""

import pytest

pytestmark = pytest.mark.one_database


@pytest.mark.requirement("rfc8252:loopback:any-port")
@pytest.mark.parametrize(
    ("letter", "redirect_uri"),
    [
        ("N", "http://127.0.0.1:51234/cb"),
        ("N", "http://127.0.0.1:1/cb"),
        ("N", "http://127.0.0.1:65535/cb"),
        ("N", "http://127.0.0.1/cb"),
        ("N", "http://[::1]:51234/cb"),
        ("G", "http://127.0.0.1:51234/callback"),
        ("G", "http://localhost:3118/callback"),
        ("G", "http://localhost/callback"),
    ],
)
async def test_the_port_of_a_loopback_redirect_is_free(server, letter, redirect_uri):
    """RFC 8252 §7.3, OAuth 2.1 §8.4.2 (AZ-04), and `localhost` because that is what clients register (`clients.md` rule 2)."""
    app = server.client(letter)
    answer = await app.authorize(redirect_uri=redirect_uri)

    assert answer.page.location.startswith(f"{redirect_uri}?code=")
    assert (await app.redeem(answer, redirect_uri=redirect_uri)).ok


@pytest.mark.requirement("rfc8252:loopback:token-request-compares-exactly")
async def test_the_token_request_must_repeat_the_very_port(server):
    """`clients.md` rule 2: what was free at authorize is fixed afterwards."""
    app = server.client("N")
    answer = await app.authorize(redirect_uri="http://127.0.0.1:51234/cb")

    refusal = await app.redeem(answer, redirect_uri="http://127.0.0.1:51235/cb")

    assert "invalid_grant" == refusal.error
    assert (await app.redeem(answer, redirect_uri="http://127.0.0.1:51234/cb")).ok


@pytest.mark.requirement("rfc8252:loopback:only-the-port-is-free")
@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://127.0.0.1:51234/other",
        "http://127.0.0.1:51234/cb/",
        "http://127.0.0.1:51234/cb?x=1",
        "http://127.0.0.1:51234/cb#f",
        "http://127.0.0.1:51234/CB",
        "http://127.0.0.1:51234",
        "http://127.0.0.2:1/cb",
        "http://127.1:1/cb",
        "http://0.0.0.0:1/cb",
        "http://2130706433:1/cb",
        "https://127.0.0.1/cb",
        "https://127.0.0.1:51234/cb",
        "http://localhost:1/cb",
        "http://[::ffff:127.0.0.1]:1/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1:51234@evil.example/cb",
        "http://user@127.0.0.1:51234/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:99999999999/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:+80/cb",
        "http://127.0.0.1:\uff18\uff10/cb",
        "http://127.0.0.1:51234/../cb",
        "HTTP://127.0.0.1:51234/cb",
        " http://127.0.0.1:51234/cb",
        "http://127.0.0.1:51234/cb ",
    ],
)
async def test_nothing_but_the_port_is_free(server, redirect_uri):
    """OAuth 2.1 §8.4.2, §8.5.4 (AZ-05): an error page; nothing is sent anywhere."""
    page = await server.client("N").ask("u1", redirect_uri=redirect_uri)

    assert server.is_error_page(page)


@pytest.mark.requirement("rfc8252:loopback:only-the-port-is-free")
@pytest.mark.parametrize(
    "redirect_uri", ["https://p.example:8443/cb", "https://p.example:443/cb", "http://p.example/cb"]
)
async def test_the_port_of_a_web_redirect_is_not_free(server, redirect_uri):
    """OAuth 2.1 §2.3.1 (AZ-06)."""
    page = await server.client("P").ask("u1", redirect_uri=redirect_uri)

    assert server.is_error_page(page)
