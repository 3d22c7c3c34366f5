"""RFC 7636: the code is redeemed by whoever asked for it."""

import pytest

from tests.support.oauth_client import challenge_of

pytestmark = pytest.mark.one_database

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.requirement("rfc7636:s256:appendix-b")
async def test_the_example_of_the_specification_works(server):
    """RFC 7636 Appendix B."""
    app = server.client("P")
    code = await app.authorize(code_challenge=CHALLENGE)

    assert (await app.redeem(code, code_verifier=VERIFIER)).ok


@pytest.mark.requirement("rfc7636:required-of-everyone")
@pytest.mark.parametrize("letter", ["P", "N", "B", "S"])
async def test_no_client_may_leave_pkce_out(server, letter):
    """OAuth 2.1 §7.5.1, MCP A7 (AZ-12)."""
    answer = await server.client(letter).authorize(code_challenge=None, code_challenge_method=None)

    assert "invalid_request" == answer.error


@pytest.mark.requirement("rfc7636:s256-alone")
@pytest.mark.parametrize("method", ["plain", None, "", "S512", "s256", "S256 ", ["S256", "plain"]])
@pytest.mark.parametrize("letter", ["P", "B"])
async def test_s256_is_the_only_method(server, letter, method):
    """RFC 7636 §4.3 (AZ-13): an absent method would mean plain; an unknown one is never taken for it."""
    answer = await server.client(letter).authorize(code_challenge_method=method)

    assert "invalid_request" == answer.error


@pytest.mark.requirement("rfc7636:challenge-is-a-sha256")
@pytest.mark.parametrize(
    "challenge",
    [CHALLENGE[:-1], CHALLENGE + "A", "A" * 129, "A" * 128, CHALLENGE + "=", CHALLENGE[:-1] + "=", CHALLENGE.replace("-", "+"),
     CHALLENGE[:-1] + "/", CHALLENGE[:-1] + "é", CHALLENGE[:-1] + " ", CHALLENGE[:-1] + "N", VERIFIER[:20]],
)  # fmt: skip
async def test_a_challenge_that_no_verifier_has_is_refused(server, challenge):
    """RFC 7636 §4.2 (AZ-14): 43 characters of base64url, of which the last carries four bits."""
    answer = await server.client("P").authorize(code_challenge=challenge)

    assert "invalid_request" == answer.error


@pytest.mark.requirement("rfc7636:verifier-must-match")
@pytest.mark.parametrize(
    ("verifier", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        (CHALLENGE, "invalid_grant"),
        (VERIFIER[:-1], "invalid_grant"),
        (VERIFIER.lower(), "invalid_grant"),
        (VERIFIER + "=", "invalid_grant"),
        ("x" * 42, "invalid_grant"),
        ("x" * 129, "invalid_grant"),
        ("é" * 43, "invalid_grant"),
        ([VERIFIER, VERIFIER], "invalid_request"),
    ],
)
async def test_a_code_without_its_verifier_is_worth_nothing(server, verifier, error):
    """RFC 7636 §4.6 (AZ-15), CVE-2024-23647: and the refusal does not use the code up."""
    app = server.client("P")
    code = await app.authorize(code_challenge=CHALLENGE)

    refusal = await app.redeem(code, code_verifier=verifier)

    assert error == refusal.error
    assert (await app.redeem(code, code_verifier=VERIFIER)).ok


@pytest.mark.requirement("rfc7636:verifier-must-match")
async def test_every_length_of_verifier_that_is_allowed_works(server):
    """RFC 7636 §4.1: 43 to 128 unreserved characters."""
    app = server.client("P")
    for verifier in ("~" * 43, "a.b-c_d~" * 16):
        code = await app.authorize(code_challenge=challenge_of(verifier))

        assert (await app.redeem(code, code_verifier=verifier)).ok
