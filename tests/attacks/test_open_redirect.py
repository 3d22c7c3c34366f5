"""The attacker wants our server to send a person, with or without a code, to a place of theirs."""

import pytest

from tests.support.browser import query_of

pytestmark = pytest.mark.one_database

NOT_REGISTERED = [
    "https://p.example/cb?x=1",
    "https://p.example/cb?",
    "https://p.example/cb#f",
    "https://p.example/cb#",
    "https://p.example/cb/../cb",
    "https://p.example/cb/.",
    "https://p.example/cb/",
    "https://p.example//cb",
    "https://p.example/cb%2f",
    "https://p.example/%63b",
    "https://p.example/cb%00",
    "https://p.example/cb%0d%0aLocation:https://evil.example",
    "HTTPS://P.EXAMPLE/cb",
    "https://P.example/cb",
    "https://p.example:443/cb",
    "https://p.example:8443/cb",
    "https://p.example./cb",
    "https://p.example/cb;a=b",
    "https://p.example/CB",
    "http://p.example/cb",
    "//p.example/cb",
    "/cb",
    "p.example/cb",
    "https:/p.example/cb",
    "https:p.example/cb",
    "https:\\\\p.example\\cb",
    "https://p.example\\@evil.example/cb",
    "https://p.example@evil.example/cb",
    "https://evil.example#https://p.example/cb",
    "https://evil.example/?https://p.example/cb",
    "https://p.example.evil.example/cb",
    "https://evilp.example/cb",
    "https://p.exaмple/cb",
    "https://p\u3002example/cb",
    "https://evil.example/cb",
    "https://*.example/cb",
    "https://p.example/*",
    "javascript:alert(1)//https://p.example/cb",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "about:blank",
    "blob:https://p.example/cb",
    "com.example.app:/cb",
    "http://127.0.0.1/cb",
    "http://localhost/cb",
    " https://p.example/cb",
    "https://p.example/cb ",
    "\thttps://p.example/cb",
    "https://p.example/cb\n",
    "https://p.example/cb https://p.example/cb",
    "https://p.example/cb,https://evil.example/",
    "*",
    "null",
    "https://p.example/" + "a" * 3000,
]


@pytest.mark.requirement("attack:redirect:only-registered-uris")
@pytest.mark.parametrize("path", ["/authorize", "/login", "/consent"])
@pytest.mark.parametrize("redirect_uri", NOT_REGISTERED, ids=lambda uri: repr(uri)[:48])
async def test_an_address_that_is_not_registered_byte_for_byte_gets_an_error_page(server, redirect_uri, path):
    """AZ-02, RFC 9700 §2.1, OAuth 2.1 §4.1.2.1: at every page that carries the request, before anybody logs in."""
    app = server.client("P")
    url = app.url(redirect_uri=redirect_uri).replace("/authorize?", path + "?")

    page = await server.browser().request("GET", url)

    assert server.is_error_page(page)
    assert "<script>alert" not in page.response.text
    assert f'href="{redirect_uri}' not in page.response.text


@pytest.mark.requirement("attack:redirect:only-registered-uris")
async def test_a_signed_in_person_is_not_sent_to_an_unregistered_address_either(server):
    """AZ-02: also with a session, also with prompt=none, where an answer would go without a page."""
    app = server.client("P")
    await app.sign_in()

    for prompt in (None, "none", "login"):
        page = await app.ask("u1", redirect_uri="https://evil.example/cb", prompt=prompt)
        assert server.is_error_page(page)


@pytest.mark.requirement("attack:redirect:unknown-clients-get-a-page")
@pytest.mark.parametrize(
    "client_id",
    ["cli_nobody", "", None, "x" * 5000, "https://c.example/client.json", "' OR 1=1 --", "cli_\u0000", "*", "../P"],
)
async def test_an_unknown_client_gets_an_error_page_wherever_it_points(server, client_id):
    """AZ-08, OAuth 2.1 §2.3.5, `clients.md` rule 5: the same page as for a wrong address, and the cure."""
    pages = [
        await server.client("P").ask("u1", client_id=client_id, redirect_uri=uri)
        for uri in ("https://p.example/cb", "https://evil.example/")
    ]

    for page in pages:
        assert server.is_error_page(page)


@pytest.mark.requirement("attack:redirect:login-goes-nowhere-else")
@pytest.mark.parametrize(
    "extra",
    ["return_to=https://evil.example/", "next=//evil.example", "redirect=https://evil.example", "continue=/\\evil.example",
     "url=https://evil.example", "rd=https://evil.example"],
)  # fmt: skip
async def test_after_a_login_the_person_goes_on_to_our_own_authorize(server, extra):
    """RFC 9700 §4.11: no parameter names where a login leads; it is always our own origin."""
    browser, someone = server.browser(), server.world.people["u1"]
    for query in (extra, server.client("P").url().partition("?")[2] + "&" + extra):
        page = await browser.request("GET", f"/login?{query}")
        form = (page if page.status == 200 else await browser.request("GET", "/login")).form("password")
        form.action = f"{server.issuer}/login?{query}"

        after = await browser.submit_once(form, email=someone.email, password=someone.password)

        assert after.status in {303, 400}
        assert after.location is None or after.location.startswith(server.issuer + "/")


@pytest.mark.requirement("attack:redirect:answers-add-no-parameter")
@pytest.mark.parametrize("name", ["scope", "resource", "response_type", "prompt", "max_age", "code_challenge_method"])
async def test_what_an_error_says_cannot_be_used_to_add_a_parameter_or_a_header(server, name):
    """CWE-113, CWE-93: whatever stands in a parameter, the answer has error, error_description, state, iss and no line break."""
    nasty = "x&code=evil\r\nSet-Cookie: a=b\r\n\r\n<script>"

    answer = await server.client("P").authorize(**{name: nasty})

    assert {"error", "error_description", "state", "iss"} == set(query_of(answer.page.location))
    assert "\r" not in answer.page.response.headers["location"]
    assert "<script>" not in answer.page.response.headers["location"]
    assert "set-cookie" not in answer.page.response.headers


@pytest.mark.requirement("attack:redirect:registration-refuses-dangerous-uris")
@pytest.mark.parametrize(
    "uri",
    ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///x", "about:blank", "http://evil.example/cb", "https://x.example/cb#f",
     "//x.example", "/cb", "*", "https://*.x.example/cb", "https://u@x.example/cb", "app:/cb", "https://x.example/c b", "https:///cb",
     "https://x.example:0/cb", "https://x.example/\u00e9", "https://x.example/" + "a" * 10_000, ""],
    ids=lambda uri: repr(uri)[:40],
)  # fmt: skip
async def test_a_dangerous_redirect_uri_cannot_be_registered_in_the_first_place(server, uri):
    """OAuth 2.1 §2.3.1, DR-03: for the command line as for any registration to come."""
    from authserver.domain.clients.client import InvalidClientDataError

    app = server.client("P").app

    with pytest.raises(InvalidClientDataError):
        await server.operator.set_client(app, redirect_uris=(uri,))
