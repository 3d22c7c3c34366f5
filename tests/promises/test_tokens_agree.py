"""
Two other readers as oracles: pyjwt and joserfc never both refuse what we accept, and all three accept what is good.

Decision 1: our own verifier is on the hot path, so it is held against those that everybody uses.
"""

import asyncio
import json
import time
import warnings

import joserfc.jwk
import joserfc.jwt
import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.errors import JoseError

from resource_lib.identity.access_token import InvalidToken
from resource_lib.testing import TestIssuer

ISSUERS = {algorithm: TestIssuer(algorithm=algorithm) for algorithm in ("ES256", "EdDSA", "RS256")}
NOW = int(time.time())


def we_accept(issuer, token):
    try:
        asyncio.run(issuer.validator(max_life=86_400).verify(token))
    except InvalidToken:
        return False
    return True


def pyjwt_accepts(issuer, token):
    try:
        jwt.decode(
            token,
            jwt.PyJWK(issuer.jwks["keys"][0]).key,
            algorithms=[issuer.algorithm],
            audience=issuer.resource,
            issuer=issuer.issuer,
            leeway=5,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "jti"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError):
        return False
    return True


def joserfc_accepts(issuer, token):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that the name EdDSA is deprecated
            found = joserfc.jwt.decode(
                token, joserfc.jwk.import_key(issuer.jwks["keys"][0]), algorithms=[issuer.algorithm]
            )
        joserfc.jwt.JWTClaimsRegistry(
            leeway=5,
            iss={"essential": True, "value": issuer.issuer},
            aud={"essential": True, "value": issuer.resource},
            **{name: {"essential": True} for name in ("sub", "exp", "iat", "jti")},
        ).validate(found.claims)
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        return False
    return True


identifiers = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=40)
scopes = st.lists(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20), max_size=8)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
dates = st.integers(NOW - 10**5, NOW + 10**5) | anything


good = st.fixed_dictionaries(
    {
        "tenant": identifiers,
        "subject": identifiers,
        "client_id": identifiers,
        "scopes": scopes,
        "roles": st.none() | st.lists(identifiers, max_size=5),
    }
)
layouts = st.fixed_dictionaries({"indent": st.none() | st.integers(0, 3), "ensure_ascii": st.booleans()})


@pytest.mark.requirement("token:agreement:never-alone-in-accepting")
@settings(max_examples=60, deadline=None)
@given(
    algorithm=st.sampled_from(sorted(ISSUERS)),
    said=good,
    extra=st.dictionaries(st.text(max_size=10).map("x-{}".format), anything, max_size=3),
    layout=layouts,
)
def test_all_three_accept_what_is_good(algorithm, said, extra, layout):
    """RFC 9068 §2.2: any identifiers, scopes, roles and further claims, however the JSON is laid out."""
    issuer = ISSUERS[algorithm]
    text = json.dumps(issuer.claims(**said) | extra, **layout)
    try:
        token = issuer.forge(payload=text.encode())
    except UnicodeEncodeError:
        return  # a lone surrogate has no UTF-8
    if "\\u0000" in text or "\\ud" in text:
        return  # NUL is ours alone to refuse, and a surrogate may be half of a pair

    assert we_accept(issuer, token)
    assert pyjwt_accepts(issuer, token)
    assert joserfc_accepts(issuer, token)


mangled_claims = st.dictionaries(
    st.sampled_from(["iss", "sub", "aud", "jti", "client_id", "scope", "tenant_id", "roles", "cnf", "x"]),
    anything,
    max_size=2,
) | st.fixed_dictionaries({}, optional={"exp": dates, "iat": dates, "nbf": dates, "auth_time": anything})
mangled_header = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "zip", "jwk", "jku", "x"]),
    st.sampled_from(["ES256", "EdDSA", "none", "HS256", "JWT", "AT+JWT", "application/at+jwt"]) | anything,
    max_size=2,
)
edits = st.lists(
    st.tuples(
        st.integers(0, 900), st.sampled_from(["cut", "put", "swap"]), st.characters(min_codepoint=33, max_codepoint=126)
    ),
    max_size=2,
)


def edited(token, changes):
    for place, what, character in changes:
        at = place % max(1, len(token))
        token = token[:at] + ("" if what == "cut" else character) + token[at + (what != "put") :]
    return token


@pytest.mark.requirement("token:agreement:never-alone-in-accepting")
@settings(max_examples=300, deadline=None)
@given(
    algorithm=st.sampled_from(sorted(ISSUERS)),
    header=mangled_header,
    claims=mangled_claims,
    changes=edits,
    removed=st.lists(st.sampled_from(["alg", "kid", "typ", "iss", "sub", "aud", "exp", "iat", "jti"]), max_size=1),
)
def test_we_are_never_alone_in_accepting(algorithm, header, claims, changes, removed):
    """RFC 8725 §3: whatever header, claims and bytes become, what both others refuse we refuse."""
    issuer = ISSUERS[algorithm]
    token = edited(
        issuer.forge(
            header={name: value for name, value in (issuer.header() | header).items() if name not in removed},
            payload={name: value for name, value in (issuer.claims() | claims).items() if name not in removed},
        ),
        changes,
    )

    accepted = we_accept(issuer, token)

    assert not accepted or pyjwt_accepts(issuer, token) or joserfc_accepts(issuer, token)
