"""
The manifest: every promise, who demands it, and nothing that is not shown.

Each line is `id: Requirement(source, text)`. A test shows a promise by `@pytest.mark.requirement("id")`;
`tests/architecture/test_requirements.py` fails when a promise has no test, when a test names no promise, and when a
promise still says `pending` although the capability it waits for has been built.

Sources: RFC and section, MCP section ("MCP A27" is row A27 of the authorization requirements), a control (C01-C66), a case
of the attack catalogue (AZ-02, TK-33, ...), a numbered design decision, or "ours".
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Requirement:
    """One promise. `pending` names the capability of `CAPABILITIES` without which it cannot be tested."""

    source: str
    text: str
    pending: str | None = None


# ---------------------------------------------------------------------------------------------------------------------
# What is not built yet, and how a test can tell that it has been. Never loosen a probe: a capability that is there makes
# every promise that waits for it fail until somebody writes its test.
# ---------------------------------------------------------------------------------------------------------------------


def _has(path: str) -> Callable[[], bool]:
    return (ROOT / path).exists


def _knows_auth_method(name: str) -> Callable[[], bool]:
    def probe() -> bool:
        if importlib.util.find_spec("authserver.domain.clients.client") is None:
            return False
        from authserver.domain.clients.client import AUTH_METHODS

        return name in AUTH_METHODS

    return probe


CAPABILITIES: dict[str, Callable[[], bool]] = {
    "private_key_jwt": _knows_auth_method("private_key_jwt"),
    "introspection": _has("authserver/oauth/introspection.py"),
    "token revocation": _has("authserver/oauth/revocation.py"),
    "kill switch": _has("authserver/domain/stopping/stopping.py"),
    "revocation feed": _has("resource_lib/revocation/state.py"),
    "admin API": _has("authserver/web/admin"),
    "approvals": _has("authserver/domain/approvals/approval.py"),
    "registration": _has("authserver/oauth/registration.py"),
    "client id metadata": _has("authserver/oauth/client_id_metadata.py"),
    "account page": _has("authserver/web/pages/account.py"),
}


# ---------------------------------------------------------------------------------------------------------------------
# tests: the authorization server, black box (tests/spec)
# ---------------------------------------------------------------------------------------------------------------------

SPEC: dict[str, Requirement] = {
    "oauth21:authorize:response-has-code-state-iss": Requirement(
        "OAuth 2.1 §4.1.2, §4.1.2.1", "A decision comes back with state and iss, a refusal without a code."
    ),
    "oauth21:authorize:redirect-uri-may-be-omitted-when-single": Requirement(
        "AZ-07, OAuth 2.1 §2.3.2", "The redirect URI may be left out when one is registered, and only then."
    ),
    "oauth21:authorize:only-response-type-code": Requirement(
        "AZ-10, AZ-11, OAuth 2.1 §10.1, CVE-2026-7571",
        "There is no implicit or hybrid flow, and no form brings one back.",
    ),
    "oauth21:authorize:empty-is-absent-unknown-is-ignored": Requirement(
        "AZ-18, AZ-19, OAuth 2.1 §3.1", "Empty parameters are absent, unknown ones ignored."
    ),
    "oidc:prompt:none-shows-no-page": Requirement(
        "AZ-36, OpenID Connect Core §3.1.2.6", "prompt=none never shows a page and never gives what was not allowed."
    ),
    "oidc:prompt:login-asks-again": Requirement(
        "AZ-37, OpenID Connect Core §3.1.2.1, RFC 9470", "prompt=login and max_age ask for the password again."
    ),
    "oauth21:scope:grammar-is-strict": Requirement(
        "OAuth 2.1 §1.4.1", "A malformed scope is refused even where part of it is known."
    ),
    "oauth21:code:becomes-tokens": Requirement(
        "OAuth 2.1 §4.1.3, MCP A32, C04", "A code becomes an access token and a refresh token."
    ),
    "oauth21:code:expires-after-a-minute": Requirement("OAuth 2.1 §4.1.2", "A code lives sixty seconds."),
    "oauth21:code:redirect-uri-is-enforced-when-sent": Requirement(
        "TK-06, OAuth 2.1 §10.2", "The token request's redirect_uri is optional and enforced when sent."
    ),
    "oauth21:code:wrong-verifiers-burn-it-after-five": Requirement(
        "decision D5 of the attack catalogue", "A wrong verifier does not use a code up; five do."
    ),
    "oauth21:code:is-compared-whole": Requirement("TK-09, CVE-2026-27840", "An altered code is an unknown code."),
    "oauth21:code:is-unguessable-and-hashed-at-rest": Requirement(
        "AZ-48, OAuth 2.1 §7.7, decision 8", "Codes are 256 random bits, stored as a hash."
    ),
    "ours:consent:defaults-to-reading": Requirement("decision 19", "Who asks for no scope gets reading."),
    "ours:consent:writes-are-opted-into-by-tool": Requirement(
        "decision 11", "A writing tool is ticked by the person, and a form widens nothing."
    ),
    "ours:consent:roles-limit-what-a-person-can-allow": Requirement(
        "decision 22", "A person cannot allow what their role does not permit."
    ),
    "ours:consent:person-of-several-tenants-chooses": Requirement(
        "decision 22", "A person of several tenants chooses one for a shared client."
    ),
    "ours:consent:survives-two-tabs": Requirement(
        "AZ-29, clients.md rule 10", "Pages loaded or posted twice are no dead end."
    ),
    "oauth21:refresh:rotates": Requirement(
        "OAuth 2.1 §4.3.1, MCP A33", "A refresh gives a new refresh token and the same authority."
    ),
    "oauth21:refresh:chain-lives-on": Requirement(
        "OAuth 2.1 §4.3", "Every link of a chain works and hands over to the next."
    ),
    "oauth21:refresh:never-widens": Requirement(
        "TK-38, OAuth 2.1 §4.3.1", "A refresh narrows one access token and never widens."
    ),
    "oauth21:refresh:failed-attempts-burn-nothing": Requirement(
        "decision 9", "A refused refresh leaves the token usable."
    ),
    "oauth21:refresh:ends-when-idle": Requirement(
        "TK-41, OAuth 2.1 §4.3.3", "An authorization that nobody uses for a day ends."
    ),
    "oauth21:refresh:absolute-end-is-not-extended": Requirement("TK-41", "Rotation never extends the absolute end."),
    "oauth21:refresh:ends-with-what-it-stands-on": Requirement(
        "TK-40, CVE-2025-64521, CVE-2024-46999",
        "A refresh fails at once when person, tenant, consent, client, resource, password or authorization ended.",
    ),
    "oauth21:refresh:only-for-clients-with-the-grant": Requirement(
        "OAuth 2.1 §4.3, RFC 6749 §5.2", "A client without the grant gets and uses no refresh token."
    ),
    "ours:refresh:follows-the-persons-roles": Requirement(
        "clients.md rule 14", "A role taken away takes its scopes with it at the next refresh."
    ),
    "ours:refresh:follows-the-resource": Requirement(
        "clients.md rule 14", "A scope or tool that is gone is not granted again."
    ),
    "oauth21:client-credentials:speaks-for-itself": Requirement(
        "CC-01, OAuth 2.1 §4.2", "A machine's token names the client, its tenant and one resource; no refresh token."
    ),
    "oauth21:client-credentials:stays-inside-its-registration": Requirement(
        "CC-03, OAuth 2.1 §1.4.1", "A machine asks for less or exactly what it was given."
    ),
    "oauth21:client-credentials:tenant-is-the-clients-own": Requirement("CC-05, C22", "No argument selects a tenant."),
    "oauth21:client-credentials:reaches-only-its-resources": Requirement(
        "RFC 8707 §2.2", "A machine reaches only the resources it was given."
    ),
    "oauth21:client-credentials:is-for-confidential-clients": Requirement(
        "TK-28, OAuth 2.1 §4.2", "Interactive clients get no token of their own, machines send nobody to authorize."
    ),
    "ours:machine:one-standing-authorization": Requirement(
        "design §2", "A machine has one standing authorization per resource and secret."
    ),
    "ours:machine:standing-authorization-ends": Requirement(
        "design §4", "It ends when ended or after thirty days, and begins anew with a new secret."
    ),
    "ours:limits:token-endpoint-slows-one-client": Requirement(
        "CC-07, decision 12", "A flood of one client is 429 with Retry-After; others are served."
    ),
    "oauth21:client-authentication:registered-method-alone": Requirement(
        "TK-17, TK-18, OAuth 2.1 §2.4, GHSA-pw9m-5jxm-xr6h", "Only the registered method counts, for every grant."
    ),
    "oauth21:client-authentication:never-two-at-once": Requirement(
        "TK-05, TK-10, OAuth 2.1 §2.4", "Two credentials or two names are refused even when right."
    ),
    "oauth21:client-authentication:unreadable-is-401": Requirement(
        "TK-13, RFC 6749 §5.2", "An unreadable or missing credential is 401 invalid_client."
    ),
    "oauth21:client-authentication:basic-is-read-as-specified": Requirement(
        "TK-13, RFC 9110 §11.1", "The scheme's case does not matter."
    ),
    "oauth21:client-authentication:unknown-client-is-401": Requirement(
        "RFC 6749 §5.2, clients.md rule 5", "Unknown, wrong and removed look alike."
    ),
    "oauth21:client-authentication:guessing-is-limited": Requirement(
        "TK-15, OAuth 2.1 §2.4.1", "Guessing a secret is limited per address; the rightful client goes on."
    ),
    "oauth21:errors:one-shape": Requirement(
        "OAuth 2.1 §3.2.4", "Every refusal is JSON with error and description, not cached."
    ),
    "oauth21:errors:form-encoding-alone": Requirement(
        "TK-29, OAuth 2.1 §3.2.2", "Another content type is refused and never guessed at."
    ),
    "oauth21:errors:only-post": Requirement("OAuth 2.1 §3.2", "The token endpoint takes POST alone."),
    "oauth21:errors:grant-must-be-registered": Requirement(
        "TK-28, RFC 6749 §5.2", "A client uses only its registered grants."
    ),
    "oauth21:errors:silent-about-our-inside": Requirement("OAuth 2.1 §3.2.4", "Why a code is refused is not told."),
    "rfc7636:s256:appendix-b": Requirement("RFC 7636 Appendix B", "The specification's example works."),
    "rfc7636:required-of-everyone": Requirement(
        "C01, AZ-12, OAuth 2.1 §7.5.1, MCP A2, A7", "No client may leave PKCE out."
    ),
    "rfc7636:s256-alone": Requirement("AZ-13, RFC 7636 §4.3", "S256 is the only method and none means none."),
    "rfc7636:challenge-is-a-sha256": Requirement(
        "AZ-14, RFC 7636 §4.2", "A challenge that no verifier has is refused."
    ),
    "rfc7636:verifier-must-match": Requirement(
        "AZ-15, RFC 7636 §4.6, CVE-2024-23647, CVE-2023-48228",
        "A code without its verifier is worth nothing, and challenge and verifier cannot be stripped.",
    ),
    "rfc8252:loopback:any-port": Requirement("AZ-04, RFC 8252 §7.3", "The port of a loopback redirect is free."),
    "rfc8252:loopback:token-request-compares-exactly": Requirement(
        "clients.md rule 2", "The token request must repeat the very port."
    ),
    "rfc8252:loopback:only-the-port-is-free": Requirement(
        "AZ-05, AZ-06, OAuth 2.1 §8.4.2, §8.5.4", "Nothing but the port, and only on loopback."
    ),
    "rfc8414:metadata:at-every-location": Requirement(
        "RFC 8414 §3.1, §5, MCP A3 to A5", "Metadata at every discovery location, the issuer byte-identical."
    ),
    "rfc8414:metadata:says-what-we-do": Requirement(
        "RFC 8414 §2, MCP A6, A7, A28, A34", "The members that clients rely on."
    ),
    "rfc8414:metadata:is-valid-to-authlib": Requirement("RFC 8414 §2", "Somebody else's library finds it valid."),
    "rfc8414:metadata:advertises-nothing-that-is-not-there": Requirement(
        "design §1", "Every advertised endpoint answers."
    ),
    "rfc8414:metadata:leaves-nothing-out-that-is-there": Requirement(
        "design §1", "Every endpoint and grant that a program can use is advertised."
    ),
    "rfc8414:metadata:unknown-issuers-are-404": Requirement(
        "RFC 8414 §3, TN-11", "An issuer that does not exist has no metadata."
    ),
    "rfc8414:metadata:issuer-comes-from-settings": Requirement(
        "JK-08, GHSA-93m4-mfpg-c3xf, CVE-2025-64101", "No header changes who we say we are."
    ),
    "rfc7517:jwks:public-halves-alone": Requirement(
        "JK-01, RFC 7517 §9.3", "The key set holds public halves alone, each issuer's its own."
    ),
    "rfc9110:conditional:unchanged-documents-are-304": Requirement(
        "RFC 9110 §13.1.2, decision 20", "Unchanged documents are not sent again."
    ),
    "rfc8707:resource:becomes-the-audience": Requirement(
        "C08, RFC 8707 §2, MCP A30, decision 7", "The approved resource is the one audience."
    ),
    "rfc8707:resource:has-a-default": Requirement(
        "AZ-46, decision 7", "An absent resource is the default, recorded; never no audience."
    ),
    "rfc8707:resource:unknown-is-invalid-target": Requirement(
        "AZ-45, RFC 8707 §2, GHSA-p2fr-6hmx-4528", "What is not ours is invalid_target at authorize."
    ),
    "rfc8707:resource:scheme-and-host-in-any-case": Requirement(
        "MCP A31", "Scheme and host may be written in any case."
    ),
    "rfc8707:resource:token-request-cannot-change-it": Requirement(
        "TK-08, RFC 8707 §2.2", "A token request cannot change the resource and uses nothing up."
    ),
    "rfc9068:token:has-exactly-the-contract-claims": Requirement(
        "RFC 9068 §2.2, design §4", "Exactly the contract's claims."
    ),
    "rfc9068:token:header-is-fixed": Requirement("RFC 9068 §2.1, RFC 8725 §3.11", "alg, kid, typ and nothing else."),
    "rfc9068:token:verifies-for-others": Requirement(
        "RFC 9068 §4", "pyjwt verifies our tokens with the published keys."
    ),
    "rfc9068:token:holds-no-personal-data": Requirement("design §4", "Under 2 KB, naming nobody."),
    "rfc9068:token:subject-differs-by-tenant": Requirement(
        "decision 22", "One person has another subject in every tenant."
    ),
    "rfc9068:token:is-unique": Requirement("RFC 9068 §2.2", "Every token has an id of its own."),
    "rfc9068:token:algorithm-is-a-setting": Requirement("design §4", "EdDSA and RS256 verify for others too."),
    "rfc9207:iss:in-every-response": Requirement(
        "AZ-22, RFC 9207 §2, MCP A27, A29", "Success and every error carry iss and state once."
    ),
    "rfc9207:iss:is-the-tenants-own": Requirement(
        "AZ-24, OAuth 2.1 §7.15", "A tenant's own issuer answers under its own name."
    ),
    "rfc9207:iss:serves-only-its-own": Requirement(
        "AZ-24, decision 22", "An issuer answers for no client, code or token of another."
    ),
    "rfc9207:state:comes-back-as-it-was": Requirement(
        "OAuth 2.1 §4.1.2", "The state comes back as it was and adds nothing."
    ),
    "cors:open:where-browser-clients-ask": Requirement(
        "clients.md rule 11", "Protocol endpoints are readable from any origin, without credentials."
    ),
    "cors:closed:where-a-person-navigates": Requirement(
        "OAuth 2.1 §3.1, §7.13", "Pages are readable from no other origin."
    ),
    "mcp:discovery:in-the-clients-order": Requirement(
        "MCP A3 to A6", "Every URL of the clients' discovery order gives its issuer and PKCE."
    ),
    "mcp:consent:shows-where-the-answer-goes": Requirement(
        "MCP A19", "Consent names the redirect host, client, resource and scopes in words."
    ),
    "mcp:consent:warns-about-local-programs": Requirement(
        "MCP A17", "Consent warns when a local program gets the answer."
    ),
    "mcp:pages:cannot-be-framed-or-scripted": Requirement(
        "MCP A2, A38, OAuth 2.1 §7.11", "No page can be framed, scripted or stored."
    ),
    "mcp:refresh-tokens:public-clients-rotate": Requirement("MCP A33", "Public clients' refresh tokens rotate."),
    "mcp:refresh-tokens:offline-access-permits-nothing": Requirement(
        "MCP A34", "offline_access may be asked for and opens nothing."
    ),
    "mcp:scopes:subset-is-told": Requirement("MCP A35", "What is left out is told."),
    "mcp:step-up:union-keeps-what-was-granted": Requirement(
        "MCP §7a.10", "Asking for the union gives the union and changes no older authorization."
    ),
    "mcp:resource:accepted-in-both-requests": Requirement("MCP A30", "resource is accepted in both requests."),
    "mcp:interop:authlib-walks-the-whole-flow": Requirement("MCP A1", "authlib's client walks the whole flow."),
}


# ---------------------------------------------------------------------------------------------------------------------
# tests: one attacker's plan per file (tests/attacks)
# ---------------------------------------------------------------------------------------------------------------------

ATTACKS: dict[str, Requirement] = {
    "attack:logs:no-secret-is-ever-written": Requirement(
        "C47, issue", "No canary and no real secret stands in the logs."
    ),
    "attack:logs:accidents-quote-no-secret": Requirement(
        "C47", "An accident that quotes a secret is logged without it."
    ),
    "attack:logs:names-of-secrets-are-replaced": Requirement(
        "LG-05", "Members named like secrets are replaced at any depth."
    ),
    "attack:logs:one-event-is-one-line": Requirement("LG-01, CWE-117", "What a stranger writes stays inside one line."),
    "attack:code:is-bound-to-everything-it-was-made-for": Requirement(
        "TK-04, TK-08, AZ-15, CVE-2026-55672, OAuth 2.1 §4.1.3",
        "A stolen code with any binding swapped is refused and stays its owner's.",
    ),
    "attack:refresh-token:is-bound-to-everything-it-was-made-for": Requirement(
        "TK-37, CVE-2026-55672, OAuth 2.1 §4.3.1", "So is a stolen refresh token, and it is recorded."
    ),
    "attack:code:ends-with-what-it-stands-on": Requirement(
        "TK-40, AZ-51, CVE-2025-53942", "Between the yes and the redemption the world goes on."
    ),
    "attack:consent:person-or-tenant-that-ended-gives-no-code": Requirement(
        "AZ-51, CVE-2025-53942, CVE-2024-47060", "Nobody allows anything who was disabled meanwhile."
    ),
    "attack:consent:shows-what-it-allows": Requirement(
        "decision 11", "A yes to an old page allows nothing that was added since."
    ),
    "attack:consent:form-is-bound-to-person-and-request": Requirement(
        "AZ-28, AZ-30, CVE-2026-45337", "A consent form counts for one person and one request."
    ),
    "attack:session:dead-cookies-open-nothing": Requirement(
        "AZ-39, ASVS 7.2", "Ended, replaced, expired or altered cookies are nobody."
    ),
    "attack:session:fixed-cookies-are-replaced": Requirement(
        "AZ-39, CVE-2024-28197", "A login makes a new session whatever cookie came."
    ),
    "attack:session:cookies-are-locked-down": Requirement(
        "AZ-40, OAuth 2.1 §7.1.3.4, design §4",
        "__Host-, Secure, HttpOnly, SameSite=Lax; named after the port on loopback.",
    ),
    "attack:csrf:forms-of-other-sites-do-nothing": Requirement(
        "AZ-28, RFC 9700 §4.7", "Forms without this browser's token, or from another origin, change nothing."
    ),
    "attack:csrf:strict-referrer-policies-still-work": Requirement(
        "clients.md, seen 1", "Origin null with Sec-Fetch-Site same-origin is our own page."
    ),
    "attack:login:answers-with-303": Requirement("AZ-41, OAuth 2.1 §7.5.3", "Forms answer with 303."),
    "attack:login:unknown-and-wrong-look-alike": Requirement(
        "AZ-53, CVE-2026-23511, ASVS 6.3", "Unknown address and wrong password get the same page."
    ),
    "attack:login:unknown-and-wrong-cost-the-same": Requirement("AZ-53, CVE-2024-41952", "And cost the same hash."),
    "attack:login:guessing-is-throttled": Requirement(
        "AZ-52, OAuth 2.1 §2.4.1, CVE-2026-45364, CVE-2025-64102",
        "Per account and per address prefix; forged headers do not count.",
    ),
    "attack:login:success-costs-no-budget": Requirement(
        "decision 12", "Rightful logins from one address are never throttled."
    ),
    "attack:login:passwords-are-bounded-before-hashing": Requirement(
        "AZ-54, ASVS 6.2", "Passwords are capped before hashing, compared in NFKC, never truncated."
    ),
    "attack:login:disabled-person-cannot-sign-in": Requirement("ours", "An address is the same in any case."),
    "attack:redirect:only-registered-uris": Requirement(
        "AZ-02, RFC 9700 §2.1, MCP A13, A23",
        "An unregistered address gets an error page at every page that carries the request.",
    ),
    "attack:redirect:unknown-clients-get-a-page": Requirement(
        "AZ-08, OAuth 2.1 §2.3.5, MCP A36", "Unknown clients get the error page."
    ),
    "attack:redirect:login-goes-nowhere-else": Requirement(
        "RFC 9700 §4.11", "A login leads to our own authorize and nowhere else."
    ),
    "attack:redirect:answers-add-no-parameter": Requirement(
        "CWE-113", "No parameter can add a parameter or header to an answer."
    ),
    "attack:redirect:registration-refuses-dangerous-uris": Requirement(
        "OAuth 2.1 §2.3.1", "Dangerous redirect URIs cannot be registered."
    ),
    "attack:pollution:doubled-at-authorize": Requirement(
        "AZ-16, OAuth 2.1 §3.1, CVE-2026-9689",
        "Doubled parameters never give a code; doubled client or address never redirect.",
    ),
    "attack:pollution:doubled-at-token": Requirement(
        "AZ-16, OAuth 2.1 §3.2", "Doubled parameters at the token endpoint use nothing up."
    ),
    "attack:pollution:query-is-not-form": Requirement("OAuth 2.1 §3.2", "The token endpoint reads no query."),
    "attack:pollution:form-cannot-change-the-request": Requirement(
        "AZ-11, AZ-16", "A form cannot change the request it answers."
    ),
    "attack:pollution:two-authorization-headers": Requirement(
        "OAuth 2.1 §2.4", "Two Authorization headers are refused."
    ),
    "attack:replay:window-gives-the-same-successor": Requirement(
        "TK-34, decision 9", "A retry inside the window gets the same successor."
    ),
    "attack:replay:an-end-wins-over-a-retry": Requirement(
        "decisions 4 and 9", "A retry inside the window gives nothing of an authorization that ends beside it."
    ),
    "attack:replay:after-the-window-ends-the-family": Requirement(
        "OAuth 2.1 §4.3.1, decision 9", "A replay after it ends the family."
    ),
    "attack:replay:other-logins-live-on": Requirement("design §2", "Other logins live on."),
    "attack:replay:window-zero-allows-none": Requirement("decision 9", "Window 0 allows no retry."),
    "attack:replay:window-is-per-client": Requirement("decision 9", "The window is per client."),
    "attack:replay:revoked-is-dead-inside-the-window": Requirement(
        "TK-35, DOT #1816", "Ended on purpose is dead inside the window."
    ),
    "attack:replay:dead-stays-dead-after-a-restart": Requirement(
        "issue, CK-02", "Dead stays dead after a restart and with the clock set back."
    ),
    "attack:replay:code-ends-what-it-began": Requirement(
        "TK-01, OAuth 2.1 §4.1.3, §7.5.2", "A replayed code ends what it began."
    ),
    "attack:replay:code-by-a-stranger-ends-nothing": Requirement(
        "decision D4 of the attack catalogue", "A stranger's replay ends nothing."
    ),
    "attack:race:one-code-wins-once": Requirement(
        "TK-03, GHSA-7w99-5wm4-3g79", "Of fifty parallel redemptions one wins."
    ),
    "attack:race:parallel-refreshes-make-one-branch": Requirement(
        "TK-33, CVE-2026-1035, GHSA-392p-2q2v-4372", "A hundred parallel refreshes make one branch."
    ),
    "attack:race:one-code-wins-once-between-processes": Requirement(
        "TK-03, issue", "Of fifty redemptions at two processes one wins, on both databases."
    ),
    "attack:race:one-branch-between-processes": Requirement(
        "TK-33, issue", "A hundred refreshes at two processes make one branch, on both databases."
    ),
    "attack:race:both-processes-serve": Requirement("ours", "Both processes take part in the race."),
    "attack:race:end-beats-refresh": Requirement("RV-07", "An end beside refreshes leaves nothing alive."),
    "attack:race:one-standing-authorization": Requirement(
        "design §2", "Parallel first tokens share one authorization."
    ),
    "attack:race:login-budget-is-not-outrun": Requirement("AZ-52", "Parallel guesses do not outrun the budget."),
    "attack:race:wrong-verifiers-are-counted": Requirement(
        "decision D5 of the attack catalogue", "Parallel wrong verifiers are all counted."
    ),
    "attack:tenant:client-cannot-reach-the-others-resource": Requirement(
        "AZ-45, C22", "A client gets nothing for another tenant's resource."
    ),
    "attack:tenant:person-cannot-enter-the-others-client": Requirement(
        "C22", "A person cannot use a client of a tenant they are not in."
    ),
    "attack:tenant:chosen-tenant-must-be-the-persons": Requirement(
        "decision 22", "The form's tenant must be the person's."
    ),
    "attack:tenant:tokens-stay-where-they-were-made": Requirement(
        "C03, C22, C23", "Tokens of two tenants share nothing."
    ),
    "attack:tenant:secret-that-names-another-tenant-is-nothing": Requirement(
        "TK-09", "A renamed secret opens nothing."
    ),
    "attack:tenant:strangers-write-no-record-of-another-tenant": Requirement(
        "TN-15", "Events stand where the client belongs."
    ),
    "attack:tenant:rows-are-walled": Requirement(
        "C22, TN-07, TN-08", "No statement of one tenant reaches a row of another."
    ),
    "attack:tenant:same-names-in-two-tenants": Requirement("TN-13", "Two tenants may use the same names."),
    "attack:tenant:issuer-paths-have-one-form": Requirement("TN-11", "A tenant's path has one form."),
    "attack:tenant:client-of-two-tenants-keeps-consents-apart": Requirement(
        "design §2", "Consent in one tenant counts in no other."
    ),
    "attack:http:head-issues-no-code": Requirement("AZ-55", "HEAD never issues a code."),
    "attack:http:unknown-methods-are-405": Requirement(
        "AZ-55, RFC 9110 §15.5.6", "Other methods are 405 with Allow, and no header changes one."
    ),
    "attack:http:bodies-are-bounded": Requirement(
        "EX-03, CVE-2023-30798, CVE-2024-24762, CVE-2024-53981", "Bodies are bounded before they are read."
    ),
    "attack:http:compressed-bodies-are-refused": Requirement("EX-08", "Compressed bodies are never unpacked."),
    "attack:http:unreadable-requests-are-no-accident": Requirement(
        "TK-13, EX-04", "What cannot be read is a refusal, never a 500."
    ),
    "attack:http:hosts-are-not-believed": Requirement(
        "PX-04, JK-08, CVE-2026-48710", "No Host header changes anything."
    ),
    "attack:http:identity-headers-are-ignored": Requirement("PX-03", "No header says who somebody is."),
    "attack:http:forwarding-is-believed-from-declared-proxies": Requirement(
        "PX-02, CVE-2025-64102", "The caller is the right-most hop that is no declared proxy."
    ),
    "attack:http:paths-have-one-form": Requirement("PX-04, TN-11", "A path has one form."),
    "attack:http:errors-are-silent-about-our-inside": Requirement(
        "D8, AD-15, ASVS 13.4", "Accidents tell a request id and nothing else."
    ),
}


# ---------------------------------------------------------------------------------------------------------------------
# tests: what is ours (tests/promises)
# ---------------------------------------------------------------------------------------------------------------------

PROMISES: dict[str, Requirement] = {
    "ours:keys:published-before-use": Requirement("JK-02, decision 16", "A key is published long before it signs."),
    "ours:keys:kept-until-the-last-token": Requirement(
        "JK-02, decision 16", "A key stays published until the last token it signed has expired, and no longer."
    ),
    "ours:keys:one-starter-wins": Requirement(
        "decisions 5 and 16", "Of many starters one publishes a key and makes the deployment's secrets."
    ),
    "ours:library:names-are-imported-when-asked-for": Requirement(
        "ours", "Each public name of the library is there, and one word of its wire brings in nothing else."
    ),
    "ours:keys:ten-rotations-under-load": Requirement(
        "JK-03, issue", "Ten rotations under load fail no validation by the real library."
    ),
    "ours:keys:last-good-set-survives-failures": Requirement(
        "JK-06", "Resource servers go on with the last good key set for a bounded time, and never begin without one."
    ),
    "ours:keys:a-removed-key-is-replaced": Requirement(
        "JK-06, C09", "When the key that signs was taken out, the timetable makes another that signs at once."
    ),
    "ours:keys:leaked-key-is-out-at-once": Requirement("decision 16", "A key that leaked is out of the set at once."),
    "ours:keys:nothing-is-signed-without-a-key": Requirement(
        "decision 16", "Without a key nothing is issued and nothing used up."
    ),
    "ours:keys:wrapped-at-rest": Requirement(
        "C09, decision 16", "Private keys and deployment secrets are wrapped; another wrapping key opens nothing."
    ),
    "ours:personal-data:names-nobody-at-rest": Requirement(
        "decision 15", "No name or address stands in any byte of the database."
    ),
    "ours:personal-data:found-without-being-stored": Requirement("decision 15", "People are found by a keyed hash."),
    "ours:personal-data:erasing-the-key-erases-the-person": Requirement(
        "decision 15", "Erasing a person's key erases the person."
    ),
    "ours:secrets:hashed-at-rest": Requirement("C09, decision 8", "No secret stands in any byte of the database."),
    "ours:audit:every-step-is-one-event": Requirement("C46, issue", "Each step of a flow leaves exactly its events."),
    "ours:audit:refusals-commit": Requirement("AU-07, decision 3", "A refusal commits what it did and why."),
    "ours:audit:accidents-leave-nothing": Requirement(
        "decision 3", "An accident leaves neither the change nor its event."
    ),
    "ours:audit:lost-races-leave-nothing": Requirement("decision 20", "A lost claim leaves no event."),
    "ours:audit:people-are-only-in-the-payload": Requirement(
        "decision 15", "People are named in an encrypted payload and nowhere else."
    ),
    "ours:audit:recorded-by-request": Requirement("decision 2", "The events of one request share its id and time."),
    "ours:settings:wrong-values-name-setting-and-cure": Requirement(
        "design §4, MCP A25", "A wrong setting stops the start and names the cure."
    ),
    "ours:settings:errors-hold-no-secret": Requirement("C47", "No secret setting is ever shown."),
    "ours:settings:file-is-read-strictly": Requirement("design §4", "A line that is no setting stops the start."),
    "ours:settings:defaults-are-safe": Requirement(
        "C60, decisions 9, 19 and 21", "The defaults are those of the design."
    ),
}


# ---------------------------------------------------------------------------------------------------------------------
# tests: cases of the catalogue that need a capability which is not built
# ---------------------------------------------------------------------------------------------------------------------

PENDING: dict[str, Requirement] = {
    "revocation:access-token:is-refused-by-the-resource": Requirement(
        "TK-01, decision 14",
        "The access token of a replayed code, and of whatever else has ended, is refused at the resource server with its next word "
        "from the issuer.",
    ),
}


# ---------------------------------------------------------------------------------------------------------------------
# machines: database, migrations, serving, logs
# ---------------------------------------------------------------------------------------------------------------------

MACHINES: dict[str, Requirement] = {
    "storage:claim:exactly-one-wins": Requirement(
        "decision 4, TK-36", "Of many parallel claims of one single-use row, in several processes, exactly one wins."
    ),
    "storage:claim:a-lost-claim-writes-nothing": Requirement(
        "decision 20", "A unit that loses a claim leaves nothing behind, not even what it had claimed before."
    ),
    "storage:batch:one-bad-unit-fails-alone": Requirement(
        "decision 20", "Units share a durable commit; one that is refused fails alone and is not quoted."
    ),
    "storage:batch:keeps-each-units-order": Requirement("decision 20", "A unit is written in the order it asked for."),
    "storage:read:sees-what-was-committed": Requirement("ours", "What was committed is seen at once by every process."),
    "storage:read:truth-values-are-the-same": Requirement("decision 5", "Both databases return the same values."),
    "storage:read:cannot-write": Requirement("decision 2", "What reads cannot change a row."),
    "storage:scope:a-statement-is-bound-to-its-unit": Requirement(
        "C22, decision 5", "A statement that names another tenant than its unit of work never reaches the database."
    ),
    "storage:close:finishes-what-was-accepted": Requirement(
        "ours", "Closing finishes what was accepted and refuses the rest."
    ),
    "storage:line:is-bounded": Requirement("ours", "A flood of writes is turned away instead of filling memory."),
    "storage:numbers:appear-in-order-without-holes": Requirement(
        "decision 14", "Control numbers become visible in order and without holes, however many processes write."
    ),
    "storage:numbers:a-refused-unit-takes-none": Requirement("decision 14", "A unit that is refused takes no number."),
    "storage:wall:every-tenanted-table-is-guarded": Requirement(
        "C23, decision 5", "Every tenanted table has row-level security with FORCE and exactly the declared policies."
    ),
    "storage:wall:no-tenant-sees-nothing": Requirement("C23", "Without a tenant the serving role sees no row."),
    "storage:wall:one-tenant-sees-its-own": Requirement("C22, C03", "SQL that forgot every filter sees one tenant."),
    "storage:wall:no-row-is-written-across": Requirement("C23", "No row is inserted or moved into another tenant."),
    "storage:wall:crossing-is-deliberate": Requirement(
        "decision 5", "Crossing tenants is a right that is taken on for one transaction, never had."
    ),
    "storage:wall:what-happened-cannot-be-unsaid": Requirement(
        "decision 15", "The serving roles cannot change or delete audit and control events."
    ),
    "storage:statements:both-databases-understand-them": Requirement(
        "decision 5", "Every statement of every store is understood by both databases, with the rights it has."
    ),
    "storage:processes:share-one-database": Requirement(
        "decision 20", "Processes that write at once lose nothing and win nothing twice."
    ),
    "storage:locked:is-waited-for": Requirement(
        "ours", "A file held by another process is waited for within bounds; nobody sees a locked database."
    ),
    "storage:locked:the-loop-goes-on": Requirement("ours", "The event loop goes on while a commit waits."),
    "storage:accident:nobody-waits-for-ever": Requirement(
        "ours", "A broken writer or a database that is gone answers every caller, and serves again afterwards."
    ),
    "storage:accident:connections-come-back": Requirement("ours", "Connections that were cut are replaced unseen."),
    "storage:accident:clashes-are-retried": Requirement("ours", "A deadlock is retried and nobody learns of it."),
    "storage:durable:before-the-answer": Requirement(
        "decision 5", "What was answered survives a power cut: WAL with synchronous=FULL."
    ),
    "logs:secrets:never-appear": Requirement(
        "ours", "A planted secret, under the name of one or looking like one, is in no log line at any depth."
    ),
    "logs:event:is-one-line": Requirement("CWE-117", "Nobody writes a log line of their own."),
    "logs:event:is-bounded": Requirement("ours", "A log event is bounded in length, depth and width."),
    "serving:head:is-bounded": Requirement("EX-04, CWE-770", "A request's head costs a bounded amount of memory."),
    "serving:request:is-complete-in-time": Requirement("EX-05", "A request that trickles in is cut off (slowloris)."),
    "serving:tls:two-suites-of-one-version": Requirement(
        "C61", "TLS 1.3 alone, with TLS_AES_256_GCM_SHA384 and TLS_CHACHA20_POLY1305_SHA256 alone, else no start."
    ),
    "serving:tls:client-certificates": Requirement(
        "C61, decision 21",
        "Client certificates are verified, demanded where that is the mode, and told to the application.",
    ),
    "serving:exposure:is-declared": Requirement(
        "C60, C61, decision 21",
        "An address beyond loopback needs a declared mode that protects it, or the start is refused.",
    ),
    "serving:processes:share-the-port": Requirement(
        "decision 20", "Workers share the port, come back when they die, end calmly, and nobody else shares it."
    ),
    "storage:migration:many-starters-migrate-once": Requirement(
        "decision 5", "Of many processes that start at once, one migrates and the others wait for it."
    ),
    "storage:migration:is-what-the-code-declares": Requirement(
        "decision 5", "The migrated schema of each database is what the code declares."
    ),
    "storage:migration:an-older-schema-is-not-served": Requirement(
        "ours", "A schema that is older or newer than the code is not served, and the cure is named."
    ),
    "storage:migration:the-file-is-ours-alone": Requirement("ours", "An SQLite file is readable by its owner alone."),
    "storage:migration:guards-anew": Requirement(
        "C23", "Migrating puts back row-level security and policies that were changed by hand."
    ),
    "record:migration:what-was-recorded-before-is-kept": Requirement(
        "decision 15", "Events of an older form keep what they said, and wait to be sealed like any other."
    ),
    "storage:migration:makes-the-serving-role": Requirement(
        "decision 5", "The serving role is made, its password in no statement, or an administrator is told what to run."
    ),
    "storage:migration:the-wheel-can-migrate": Requirement("ours", "An installed distribution carries its migrations."),
    "storage:wall:the-owner-may-not-serve": Requirement(
        "decision 5", "A role that row-level security does not bind may not serve."
    ),
}


# ---------------------------------------------------------------------------------------------------------------------
# tokens: resource_lib/identity, wire, vectors
# ---------------------------------------------------------------------------------------------------------------------

TOKENS: dict[str, Requirement] = {
    "wire:tool-call:one-hash-on-both-sides": Requirement(
        "RFC 8785, decision 13",
        "A call and a tool's definition have one frozen hash; what it cannot express is refused.",
    ),
    "token:claims:become-a-principal": Requirement(
        "RFC 9068 §2.2, §4", "A good token of any supported algorithm becomes the principal that it describes."
    ),
    "token:claims:no-call-changes-another's": Requirement(
        "ours", "What one call does to a principal's claims, no other call sees."
    ),
    "token:audience:is-this-resource-byte-for-byte": Requirement(
        "RFC 8707 §2, RFC 9068 §4, MCP R8",
        "The audience is this resource, alone or in a list, byte for byte but for the slash after a bare host.",
    ),
    "token:tenant:must-be-linked": Requirement(
        "TN-05, decision 22", "A token of a tenant that is not linked to the resource is refused."
    ),
    "token:dates:are-exact-within-the-leeway": Requirement(
        "RS-10, RFC 9068 §4", "A token begins and ends to the second, also when its verdict is remembered."
    ),
    "token:memory:ends-with-its-reasons": Requirement(
        "JK-02, decision 14", "A remembered verdict ends with the token, with its key, or when it is forgotten."
    ),
    "token:memory:is-bounded": Requirement("RS-17", "Neither good nor bad tokens can fill the memory."),
    "token:memory:keeps-no-token": Requirement("ours", "The memory of verdicts holds nothing that can be replayed."),
    "token:settings:refuse-what-is-unsafe": Requirement(
        "RFC 8725 §3", "A leeway of minutes or a life of days stops the start."
    ),
    "token:forged:every-nasty-token-is-refused": Requirement(
        "RS-01, RS-04, RS-05, RS-08, RS-10, RS-11, RS-12, RS-14, RS-15, RS-16, RS-17, RFC 8725",
        "Each of some 400 wrong tokens, most of them rightly signed, is refused for its own reason.",
    ),
    "token:forged:costs-little": Requirement("RS-17, CVE-2025-30204", "No wrong token costs more than milliseconds."),
    "token:forged:no-request-goes-where-a-token-says": Requirement(
        "RS-03, CVE-2026-27962", "Nothing in a token makes the library ask anybody but its issuer."
    ),
    "token:forged:wycheproof-is-refused": Requirement(
        "RS-15, RFC 7515 §5.2", "The 401 Wycheproof signatures are judged as they should, with six named differences."
    ),
    "token:refusal:tells-the-caller-nothing": Requirement(
        "decision 10", "A refusal holds a word for the log and nothing of the token."
    ),
    "token:agreement:never-alone-in-accepting": Requirement(
        "decision 1", "No token is accepted that pyjwt and joserfc both refuse; good ones all three accept."
    ),
    "keys:import:each-stands-or-falls-alone": Requirement(
        "RFC 7517 §4, RFC 8725 §3.2",
        "Secret, weak, ambiguous or misused keys are refused one by one; the others serve.",
    ),
    "keys:discovery:through-the-issuers-own-metadata": Requirement(
        "RFC 8414 §3, decision 6",
        "Keys are found through metadata whose issuer is the same string, over https or loopback.",
    ),
    "keys:fetch:one-at-a-time": Requirement(
        "CVE-2026-48524", "One fetch serves every caller that waits, in every loop; one that hangs up stops nobody."
    ),
    "keys:outage:last-good-set-stays": Requirement(
        "JK-06, RFC 5861 §4",
        "A failing issuer's last good set stays in force up to a bound; without one all is refused.",
    ),
    "keys:unknown:flood-is-bounded": Requirement(
        "CVE-2026-48524, RS-04", "Unknown kids cause a bounded number of fetches and push out no good key."
    ),
    "keys:rotation:no-call-fails": Requirement(
        "JK-03, JK-02, C05, C12", "Ten rotations under load, and not one call fails."
    ),
    "testing:wall:every-tool-of-the-example-holds": Requirement(
        "C22, C23, TN-06, TN-08",
        "Every tool of the example server, with one tenant's token and another's identifiers, touches none of its rows.",
    ),
    "testing:wall:finds-a-hole": Requirement(
        "ours", "The generated tenant wall finds each kind of hole, and a tool without an example stops the suite."
    ),
    "principal:current:only-inside-a-call": Requirement(
        "ours", "Whoever is calling is known inside the call, to that call alone."
    ),
}


# ---------------------------------------------------------------------------------------------------------------------
# guard: resource_lib/guard, policy, checks, data, integrations
# ---------------------------------------------------------------------------------------------------------------------

GUARD: dict[str, Requirement] = {
    "guard:policy:unenforced-words-stop-the-start": Requirement(
        "ours", "A policy word that is not enforced yet stops the start and names the cure."
    ),
    "guard:policy:default-deny": Requirement("decision 19", "A guard without a policy does not start."),
    "guard:policy:unannotated-means-destructive": Requirement(
        "decision 19, MCP Tool Annotations, C19", "A tool without annotations counts as destructive."
    ),
    "guard:settings:https-or-loopback": Requirement(
        "RFC 8414 §2, RFC 8707 §2, decision 6", "Issuer and resource are https, or http on loopback, and plain URLs."
    ),
    "guard:checks:adding-one-never-widens": Requirement(
        "decision 18", "No check, in any order, allows what was refused without it; none raises."
    ),
    "guard:checks:unknown-tool-is-refused-by-each": Requirement(
        "decision 19, C15", "Every check by itself refuses a call that the policy does not know."
    ),
    "guard:scopes:hierarchy-is-accounted-for": Requirement(
        "RS-24, MCP R16", "A broader scope contains the narrower ones that the author says it implies."
    ),
    "guard:body:one-meaning-for-every-parser": Requirement(
        "RS-31, RFC 7493 §2", "A body that two parsers could read in two ways is refused."
    ),
    "guard:body:no-input-raises": Requirement("RS-17", "Any bytes are read or refused; none raise."),
    "guard:401:one-answer-for-every-bad-token": Requirement(
        "RS-20, decision 10, C07", "Missing, malformed, expired and foreign tokens get the very same 401."
    ),
    "guard:401:no-credential-no-error-code": Requirement(
        "RFC 6750 §3.1, MCP R4", "Without a credential only the error code is missing; the scopes to ask for are there."
    ),
    "guard:token:only-one-authorization-header": Requirement(
        "RS-19, RFC 6750 §2.1",
        "A token is exactly one Authorization header's, in one spelling but for the scheme's case.",
    ),
    "guard:token:every-request-and-every-method": Requirement(
        "MCP R7", "No method and no path of the wrapped server is open."
    ),
    "guard:token:never-reaches-the-server": Requirement(
        "RS-28, MCP R10", "The wrapped server, and so its tools, never see the caller's token."
    ),
    "guard:body:nothing-undecided-reaches-the-server": Requirement(
        "RS-31", "No encoding, disguise or header brings a call to the server that was not decided about."
    ),
    "guard:body:headers-decide-nothing": Requirement(
        "MCP SEP-2243", "Mirrored headers decide nothing and are left to the server."
    ),
    "guard:token:never-reaches-a-public-path": Requirement(
        "MCP Token Passthrough", "A public path of the wrapped server sees no token, no session and no cookie of ours."
    ),
    "guard:body:no-text-costs-more-than-its-length": Requirement(
        "RS-17, LG-04", "No body within the bound takes the guard longer to read than its length explains."
    ),
    "guard:body:bounded-before-parsed": Requirement("RS-17", "A body beyond the bound is refused before it is parsed."),
    "guard:body:none-for-methods-without-one": Requirement(
        "RFC 9110 §9.3", "A body of GET, HEAD, DELETE or OPTIONS does not reach the server."
    ),
    "guard:batch:whole-or-not-at-all": Requirement(
        "RS-31, MCP 2025-03-26", "One refused call of a batch refuses the batch, with all scopes in one challenge."
    ),
    "guard:tools:outside-the-policy-does-not-exist": Requirement(
        "decision 11", "A tool outside the policy answers as an unknown tool, and the server never hears of it."
    ),
    "guard:tools:exact-name": Requirement("RS-31", "Tool names match exactly."),
    "guard:403:all-scopes-in-one-challenge": Requirement(
        "RS-22, MCP R12-R14, decision 11, C13", "An ungranted tool is an HTTP 403 naming all scopes of the operation."
    ),
    "guard:write:needs-its-own-scope": Requirement(
        "decision 11", "A write or destructive tool needs `tool:<name>` too."
    ),
    "guard:roles:missing-role-is-policy-denied": Requirement("decision 11, C14", "A missing role is never a 403."),
    "guard:acr:asks-for-a-stronger-login": Requirement("RFC 9470", "A weak or old login is asked to log in again."),
    "guard:methods:closed-by-default": Requirement(
        "ours", "What can show what a read tool shows needs the read scopes; so does a method nobody knows."
    ),
    "guard:log:no-callers-words": Requirement("C23", "A refusal is logged without what the caller wrote."),
    "guard:listing:bytes-untouched-when-covered": Requirement(
        "MCP R17, decision 18", "A list of tools that the policy covers passes byte for byte."
    ),
    "guard:listing:only-tools-of-the-policy": Requirement(
        "RS-22, decision 11", "A tool outside the policy is not listed, in JSON or in an event stream."
    ),
    "guard:errors:structured-content-never-breaks-a-client": Requirement(
        "design §4", "An old client gets no structuredContent that it would hold against an output schema."
    ),
    "guard:sessions:belong-to-their-opener": Requirement(
        "MCP Session Hijacking", "A 2025-era session answers only to the principal that opened it."
    ),
    "guard:rebinding:loopback-answers-to-loopback": Requirement(
        "RS-29, MCP R18, CVE-2025-66416", "A loopback server refuses foreign Host and Origin."
    ),
    "guard:cors:no-credentials-ever": Requirement(
        "Fetch §3.2", "No answer allows cookies; pages may read the challenge."
    ),
    "guard:cors:preflight-needs-no-token": Requirement("Fetch §3.2.2", "A preflight needs no token."),
    "guard:streams:never-buffered": Requirement("decision 17", "An event is out before the next one is made."),
    "guard:streams:approved-calls-end-with-the-token": Requirement(
        "RS-34", "The stream of an approved call ends with the token, and the call itself runs to its end."
    ),
    "guard:streams:end-with-their-token": Requirement("RS-34", "A stream ends when the token that opened it does."),
    "guard:asgi:lifespan-is-forwarded": Requirement("design §4", "The wrapped server's lifespan runs."),
    "guard:integrations:official-sdk": Requirement(
        "design §4", "The official SDK's MCPServer is guarded in five lines, for clients of both eras."
    ),
    "guard:integrations:low-level-server": Requirement("design §4", "So is its low-level Server."),
    "guard:integrations:fastmcp": Requirement("design §4", "So is FastMCP, its policy taken from annotations."),
    "guard:principal:right-for-each-call": Requirement(
        "MCP R7, decision 2", "Each call of a session sees the token that it came with, in every way of asking."
    ),
    "guard:conformance:same-verdicts-with-and-without": Requirement(
        "decision 18, MCP §7b.12", "The official conformance suite gives the same verdicts with the guard and without."
    ),
    "guard:conformance:same-bytes-with-and-without": Requirement(
        "decision 18", "The wrapped server's own answers, errors too, keep their status, headers and body."
    ),
    "data:wall:reads-see-one-tenant": Requirement(
        "C22, C23", "A tenant's session reads that tenant's rows, whichever way it reads."
    ),
    "data:wall:nobody-sees-nothing": Requirement("C22", "Without a caller there are no rows and no writes."),
    "data:wall:raw-sql-is-held-to-the-tenant": Requirement(
        "C22, decision 5", "On SQLite a statement that does not compare the tenant is refused with the cure."
    ),
    "data:wall:is-read-as-the-database-reads-it": Requirement(
        "C23, TN-05", "No text means one thing to the wall and another to SQLite."
    ),
    "data:wall:a-key-is-not-a-row": Requirement(
        "C23, TN-05", "Knowing a row's key brings nobody to the row: an object must have been loaded behind the wall."
    ),
    "data:wall:no-view-is-a-window": Requirement(
        "C23, TN-05", "What would show or take rows past row-level security is refused before the first statement."
    ),
    "data:wall:crossing-is-a-critical-event": Requirement(
        "C23", "An attempt to cross is refused and logged as the critical event security.tenant_wall."
    ),
    "data:wall:pooled-connections-carry-nothing": Requirement(
        "C22", "A pooled connection carries no tenant to its next user, through errors too."
    ),
    "data:wall:row-level-security-is-told-who-calls": Requirement(
        "C22, decision 5", "On PostgreSQL each transaction tells row-level security who is calling."
    ),
    "data:wall:no-sql-leaves-it": Requirement(
        "C22", "No SQL of a tool changes the tenant, the role or the transaction."
    ),
    "data:wall:painted-on-walls-are-refused": Requirement(
        "ours", "A role or table that row-level security does not bind is refused before the first statement."
    ),
    "rfc9728:metadata:at-path-and-root": Requirement(
        "RS-30, RFC 9728 §3.1, MCP R3", "The document stands at the path-inserted and the root URL, for everybody."
    ),
    "rfc9728:metadata:resource-is-byte-equal": Requirement("RS-30, RFC 9728 §3.3", "`resource` is byte-equal."),
    "rfc9728:metadata:least-scopes": Requirement(
        "RS-30, MCP R5 R6", "The published scopes are those of the read tools, without offline_access."
    ),
}


# ---------------------------------------------------------------------------------------------------------------------
# pages: templates, browser tests, command line
# ---------------------------------------------------------------------------------------------------------------------

PAGES: dict[str, Requirement] = {
    "pages:screens:readable-in-both-schemes-and-widths": Requirement(
        "WCAG 2.2 1.4.3, 1.4.10",
        "Every page has AA contrast and no sideways scrolling, light and dark, wide and narrow.",
    ),
    "pages:keyboard:focus-is-visible": Requirement(
        "WCAG 2.2 2.1.1, 2.4.7", "Everything on a page is reached by the keyboard, and shows where it is."
    ),
    "pages:consent:strangers-words-cannot-draw": Requirement(
        "MCP A19, AZ-25", "A hostile application name is escaped, bounded, isolated, and never hides the redirect host."
    ),
    "pages:consent:enter-is-not-a-yes": Requirement("ours", "Enter in a field of the consent page refuses."),
    "pages:consent:local-program-is-warned-of": Requirement(
        "MCP A17", "The consent page warns when the access goes to a program on this computer."
    ),
    "pages:all:nothing-from-elsewhere": Requirement("DR-05", "No page loads anything from another origin."),
    "pages:all:a-missing-word-is-a-fault": Requirement("ours", "A page never silently leaves out what it should say."),
    "browser:login:to-token": Requirement(
        "ours", "A person in a real browser signs in, allows, and the application gets a token."
    ),
    "browser:keyboard:alone-is-enough": Requirement(
        "WCAG 2.2 2.1.1", "Sign in, tick a tool and allow by keyboard alone."
    ),
    "browser:consent:tools-are-opted-into": Requirement("decision 11", "A first consent ticks nothing that writes."),
    "browser:consent:a-no-reaches-the-application": Requirement(
        "OAuth 2.1 §4.1.2.1, RFC 9207 §2", "A person's no reaches the application as access_denied with iss."
    ),
    "browser:consent:two-tabs-both-work": Requirement("AZ-29", "The consent page in two tabs is no dead end."),
    "browser:consent:tenant-is-chosen": Requirement("decision 22", "A person of two tenants chooses one at consent."),
    "browser:login:refusal-is-kind-and-silent": Requirement(
        "AZ-53", "A refused login keeps the address, drops the password, and tells nothing about the account."
    ),
    "browser:errors:never-leave-the-page": Requirement(
        "OAuth 2.1 §4.1.2.1, §7.12.2", "An unknown client or redirect URI ends on our page, with the cure."
    ),
    "browser:forms:only-from-our-pages": Requirement(
        "AZ-28, RFC 9700 §4.7, §4.16", "Another site can neither send our forms nor frame our pages."
    ),
    "browser:session:ends-at-sign-out": Requirement("AZ-40", "Signing out ends the session of this browser."),
    "cli:help:teaches": Requirement("ours", "Every command explains itself, takes --json and shows what to type."),
    "cli:nouns:add-list-show-set-disable-remove": Requirement(
        "ours", "Tenants, users, clients, resources, issuers and keys live from add to remove by commands alone."
    ),
    "cli:nouns:disable-does-what-it-says": Requirement(
        "issue", "One command disables a person in every tenant, and asks first."
    ),
    "cli:nouns:both-databases": Requirement(
        "decision 5", "The same commands work on PostgreSQL, through its two roles."
    ),
    "cli:secrets:never-an-argument": Requirement("CWE-214", "No secret is ever a command-line argument."),
    "cli:secrets:shown-once": Requirement(
        "decision 8", "A generated secret is shown once, kept as a hash, and rotated."
    ),
    "cli:errors:name-the-field-and-the-cure": Requirement(
        "ours", "A refused command names the field and the cure on standard error, and exits 1 or 2."
    ),
    "cli:errors:no-stack-trace": Requirement(
        "ours", "A wrong setting stops the start with one sentence, never a trace."
    ),
    "cli:remove:asks-first": Requirement("ours", "What ends something asks first, or demands --yes."),
    "cli:output:cannot-steer-the-terminal": Requirement("CWE-150", "Stored text cannot steer an operator's terminal."),
    "cli:kek:private-and-never-overwritten": Requirement(
        "decision 16", "The key-encryption key's file is private from its first byte and never overwritten."
    ),
    "cli:check:says-what-is-wrong": Requirement(
        "C60, ours", "`check` finds what is wrong, names the cure, and exits 1."
    ),
    "cli:start:is-quick": Requirement("ours", "Help is printed without loading the server."),
    "cli:client:keygen-makes-what-jwks-takes": Requirement(
        "RFC 7523 §3",
        "`client keygen` makes a private key for its owner alone and the public half as `--jwks` takes it.",
    ),
    "cli:serve:answers-and-stops": Requirement("ours", "`serve` answers on its port and ends cleanly when told."),
}


# ---------------------------------------------------------------------------------------------------------------------
# demo: example server, tour, packaging, architecture
# ---------------------------------------------------------------------------------------------------------------------

DEMO: dict[str, Requirement] = {
    "ours:manifest:every-promise-is-shown": Requirement(
        "ours", "Every promise of this file has a test or waits by name."
    ),
    "agreement:sdk:steps-up-by-itself": Requirement(
        "MCP A27",
        "The official SDK's client finds the login, reads, meets the 403, asks again with the union and writes, in both eras.",
    ),
    "agreement:fastmcp:steps-up-by-itself": Requirement("MCP A27", "FastMCP's client does the same."),
    "house:imports:flow-one-way": Requirement("ours", "Who may import whom is checked by a machine."),
    "house:stores:are-private": Requirement("ours", "Rows are read by their own capability alone."),
    "house:files:say-what-they-are-for": Requirement("ours", "Every module opens with its promise, and has a name."),
    "house:tree:names-no-registry-and-no-machine": Requirement(
        "ours", "No file names a package registry or a path of somebody's machine."
    ),
    "house:make:every-target-is-explained": Requirement("ours", "`make` lists every target with a line of help."),
    "operator:changes:are-recorded": Requirement("decision 15", "What an operator or a job changes is recorded."),
    "login:session:ends": Requirement("ours", "A session ends at logout, when unused, and when old."),
    "login:failures:wait-ends": Requirement("ours", "Nobody is locked out for longer than the window of guesses."),
    "surface:accidents:tell-nothing": Requirement("ours", "An accident is answered without a word of our inside."),
    "surface:corners:answer": Requirement(
        "RFC 9116", "security.txt and the pictures of the pages answer as they should."
    ),
    "serve:tls:client-certificates": Requirement(
        "C60, C61",
        "The server itself speaks TLS 1.3 with two suites, to clients with a certificate where that is declared.",
    ),
    "chaos:kill:nothing-is-lost-or-doubled": Requirement(
        "decisions 4 and 9",
        "A server killed while clients refresh loses no token it told anybody of, and doubles none.",
    ),
    "house:surface:is-tested": Requirement("ours", "Every endpoint, error, event and setting is named by a test."),
    "packaging:bare:is-the-library-alone": Requirement(
        "ours", "The distribution without extras is the library, imports alone, and needs only what it declares."
    ),
    "packaging:wheel:holds-what-runs": Requirement(
        "ours", "The wheel can migrate, show its pages, and has its licence."
    ),
    "packaging:lock:names-no-host": Requirement("C63", "Locks have hashes, name no host, and agree with each other."),
    "packaging:sbom:lists-the-lock": Requirement("C63", "The bill of materials lists every pin with its hashes."),
    "deploy:containers:are-locked-down": Requirement(
        "C62", "No shipped container is root, writes its root, gains privileges or keeps a capability."
    ),
    "deploy:containers:are-bounded-and-watched": Requirement(
        "C62", "Every shipped container has limits and a health check."
    ),
    "deploy:images:are-pinned": Requirement("C62, C63", "Images have exact versions, wheels have hashes."),
    "deploy:secrets:are-files": Requirement(
        "C62", "Secrets are mounted files, made once, in no variable and no commit."
    ),
    "deploy:networks:one-door-in-one-way-out": Requirement(
        "C60, C62", "Only the proxies touch the outside; only loopback is published; the way out has an allow-list."
    ),
    "deploy:tls:1.3-and-two-suites": Requirement("C61", "The shipped proxy speaks TLS 1.3 with two suites alone."),
    "deploy:proxy:believes-nobody": Requirement(
        "PX-01, PX-03, PX-04", "The shipped proxy overwrites what callers say of themselves and changes no path."
    ),
    "deploy:database:serving-role-owns-nothing": Requirement(
        "TN-07, decision 5", "The shipped roles migrate, and the role that serves owns no table."
    ),
    "example:wall:each-tool-both-databases": Requirement(
        "TN-01, TN-02, TN-03, TN-04, TN-07", "No tool of the example reaches another tenant's rows, on either database."
    ),
    "example:rules:hold-under-the-model": Requirement(
        "ours", "The example's own rules hold whatever arguments a model makes up, and accidents stay inside."
    ),
    "demo:facts:hold-what-scripts-need": Requirement("ours", "demo.json holds the members that scripts rely on."),
    "demo:secrets:are-for-their-owner-alone": Requirement("ours", "Whatever the demo writes with a secret is 0600."),
    "demo:tour:every-step-holds": Requirement("ours", "The tour ends with 0 exactly when each of its steps held."),
    "demo:start:second-keeps-the-data": Requirement("ours", "A second start with the same folder keeps the data."),
    "demo:start:leaves-nothing-behind": Requirement("ours", "However the demo ends, its servers end too."),
    "demo:start:says-the-cure": Requirement("ours", "A start that cannot work says what to do, and destroys nothing."),
}


# ---------------------------------------------------------------------------------------------------------------------
# bench
# ---------------------------------------------------------------------------------------------------------------------

BENCH: dict[str, Requirement] = {
    "keys:first-start:no-process-is-without-a-key": Requirement(
        "ours", "Of several processes that start on an empty database, none is without the signing key for a moment."
    ),
    "ours:passwords:wait-in-a-short-line": Requirement(
        "EX-01, decision 8",
        "A flood of logins costs memory for as many hashes as there are workers; beyond a short line it is told to come back.",
    ),
    "ours:passwords:others-come-first": Requirement(
        "decision 20", "Hashing a password never takes the processor from the other endpoints."
    ),
    "ours:serving:one-write-per-answer": Requirement(
        "decision 20", "An answer leaves in one write, and all of it before its connection closes."
    ),
    "login:throttle:a-success-costs-its-address-nothing": Requirement(
        "ours; ASVS 6.3",
        "An office behind one address can log in all day; only failures use up what its address may try.",
    ),
    "login:throttle:one-account-closes-nobody-else-out": Requirement(
        "decision 12", "A try that is not looked at costs its address nothing."
    ),
    "login:throttle:a-success-pays-for-nobody-else": Requirement(
        "ASVS 6.3", "Logging in with an account of one's own buys no further guesses at others."
    ),
}


HINTS: dict[str, Requirement] = {
    "oauth21:client-credentials:an-end-outlives-housekeeping": Requirement(
        "design §4; TK restart class",
        "A machine's authorization that ended or lapsed stays so when old rows are swept.",
    ),
    "keys:issuer:takes-its-keys-along": Requirement(
        "TN-10", "A path issuer that is given again does not inherit the keys of whoever had it before."
    ),
    "guard:settings:the-longest-life-is-the-authors": Requirement(
        "D9 of the catalogue",
        "A token made to live longer than the server's author takes is refused, even when well signed.",
    ),
    "attack:flood:nobody-chooses-whose-record-they-fill": Requirement(
        "TN-05; ours", "An invented code or refresh token that names a tenant leaves nothing in that tenant's record."
    ),
    "attack:address:a-port-is-no-address": Requirement(
        "PX-02", "Behind a declared proxy the caller's address is found with and without a port."
    ),
    "attack:ended:a-new-yes-revives-nothing": Requirement(
        "TK-35, TK-40", "What a withdrawn consent ended stays ended when the person allows the same again."
    ),
    "attack:ended:a-code-stays-under-its-consent": Requirement(
        "design decision 11", "A code gives at most what its person allows at the moment it is used."
    ),
    "attack:ended:an-issuer-speaks-for-its-tenants-alone": Requirement(
        "AZ-24, decision 22", "Nothing is issued for a tenant by an issuer that does not speak for it any more."
    ),
    "attack:ended:a-login-ends-with-its-password": Requirement(
        "ASVS 7.4", "A login counts only if the password it proved is still the person's when it is written."
    ),
    "attack:ended:a-machine-has-no-role": Requirement(
        "CC-03", "A machine without a list of scopes gets none that people need a role to grant."
    ),
    "attack:http:a-declared-proxy-is-the-one-door": Requirement(
        "C60, C61",
        "With exposure trusted-proxy only the declared proxies and this machine are answered; health tells everybody.",
    ),
    "attack:abuse:no-address-is-an-accident": Requirement(
        "TK-25, AZ-45", "A resource that no parser takes for a URL is refused like an unknown one."
    ),
    "attack:flood:strangers-cannot-fill-the-record": Requirement(
        "EX-09", "Somebody without a credential cannot make the database grow without bound."
    ),
    "attack:flood:nobody-spends-anothers-budget": Requirement(
        "CC-07; design decision 12",
        "A stranger who names a client uses up nothing of its; a client that asks too often waits.",
    ),
    "consent:narrowing:acts-everywhere": Requirement(
        "design decision 11", "What a person unticks is gone from their other sessions at the next refresh."
    ),
    "storage:hints:a-change-is-seen-at-once": Requirement(
        "design decision 5", "With a Valkey between them, a change in one process is seen by another before its tick."
    ),
    "storage:hints:nothing-depends-on-them": Requirement(
        "design decision 5", "Without an answer from Valkey everything works; a change is seen at the next tick."
    ),
}


# ---------------------------------------------------------------------------------------------------------------------
# every client that knocks, and the whole life of a token
# ---------------------------------------------------------------------------------------------------------------------

CLIENT_ID_METADATA: dict[str, Requirement] = {
    "outbound:url:hostile-ones-are-not-asked": Requirement(
        "MCP A16, CWE-918, draft-ietf-oauth-client-id-metadata-document §6",
        "A URL with any other reading than one public https name is refused before anybody is asked.",
    ),
    "outbound:address:only-public-ones-are-dialled": Requirement(
        "SF-03, MCP A16", "A name with one answer that is not public unicast gets no connection at all."
    ),
    "outbound:address:rebinding-finds-nobody": Requirement(
        "SF-03", "A name is resolved once and the connection goes to the address that was checked."
    ),
    "outbound:request:says-the-name-and-nothing-of-us": Requirement(
        "ours", "SNI and Host are the name; no cookie, credential or proxy header is ever sent."
    ),
    "outbound:environment:is-not-asked": Requirement("MCP A16", "Proxies of the environment are not used."),
    "outbound:redirect:is-not-followed": Requirement("SF-04", "A redirect leads nowhere."),
    "outbound:answer:only-a-whole-small-one-counts": Requirement(
        "clients.md rule 4", "An answer is a whole 200 below its cap, or a 304 that was asked for."
    ),
    "outbound:time:is-bounded": Requirement(
        "clients.md rule 4", "Name, connection, handshake, headers and body end within one deadline."
    ),
    "outbound:tls:is-verified": Requirement(
        "SF-06, OAuth 2.1 §7.14", "The certificate must prove the name, at TLS 1.2 or newer."
    ),
    "outbound:budget:per-host-and-for-all": Requirement(
        "decision 12", "A host and an address are asked a bounded number of times, and slow ones hold few places."
    ),
    "cimd:metadata:is-advertised-while-served": Requirement(
        "MCP A8, MCP A9, draft-ietf-oauth-client-id-metadata-document §5",
        "Documents are advertised while they are served.",
    ),
    "cimd:switch:off-ends-what-was-known": Requirement("ours", "Switched off, clients known by documents are unknown."),
    "cimd:client:needs-no-registration": Requirement(
        "MCP A10", "A client is what the document at its client_id says, and may ask for whatever its person may grant."
    ),
    "cimd:consent:names-who-publishes-and-who-receives": Requirement(
        "MCP A17, MCP A19, MCP A20",
        "The consent page names the host that publishes, the host that receives, and warns of programs on this computer.",
    ),
    "cimd:loopback:any-port": Requirement(
        "clients.md rule 2, RFC 8252 §7.3, MCP A13",
        "A loopback redirect in a document without a port means every port.",
    ),
    "cimd:document:what-is-not-served-is-left-out": Requirement(
        "clients.md rule 4, RFC 7591 §2", "Grants, methods and addresses that are not served are left out, not refused."
    ),
    "cimd:document:unusable-ones-are-refused-in-plain-words": Requirement(
        "CM-04, draft-ietf-oauth-client-id-metadata-document §4, MCP A11, A14",
        "A document that is no strict JSON, is somebody else's, or rests on a secret is a page that says what to mend.",
    ),
    "cimd:auth:private-key-jwt": Requirement(
        "clients.md 6a (ChatGPT), draft-ietf-oauth-client-id-metadata-document §6.2",
        "A client whose document holds keys proves who it is, named in whichever way.",
    ),
    "cimd:client-id:has-one-form": Requirement(
        "CM-02, draft-ietf-oauth-client-id-metadata-document §3, MCP A15", "A URL with two readings is no client_id."
    ),
    "cimd:cache:between-five-minutes-and-a-day": Requirement(
        "CM-08, RFC 9111 §4.2, MCP A12", "A copy is fresh for as long as the document says, five minutes to a day."
    ),
    "cimd:cache:a-change-takes-effect": Requirement("RFC 9111 §4", "A changed document counts once the copy is stale."),
    "cimd:cache:last-good-copy-for-a-week": Requirement(
        "clients.md rule 4", "While the document cannot be read the last good copy counts, for a week."
    ),
    "cimd:cache:an-error-is-no-answer": Requirement(
        "clients.md rule 4", "An error is never remembered as an answer, and what is broken is not hammered."
    ),
    "cimd:cache:is-shared-by-processes": Requirement("ours", "The copy survives restarts and every process has it."),
    "cimd:cache:one-reading-at-a-time": Requirement("ours", "Many who want one document are one reading of it."),
    "cimd:token:reads-nothing-for-strangers": Requirement(
        "clients.md rule 5", "The token endpoint reads no document it has never seen; 401 invalid_client."
    ),
    "cimd:par:may-be-the-first-contact": Requirement(
        "RFC 9126 §2.1", "A document may be read when its client pushes first."
    ),
    "cimd:device:may-be-the-first-contact": Requirement(
        "RFC 8628 §3.1", "A document may be read when a device of its client starts first."
    ),
    "cimd:copy:is-forgotten-unless-relied-on": Requirement(
        "ours", "A copy that nobody's consent rests on lapses in a day; others outlive what they began."
    ),
    "cimd:operator:has-the-last-word": Requirement("ours", "What an operator disabled no document enables."),
    "attack:cimd:a-document-taken-over-takes-over-nothing": Requirement(
        "CM-06, ADR 23", "Whoever changes how a client proves itself cannot use what the client began before."
    ),
    "attack:cimd:a-new-redirect-gets-no-silent-code": Requirement(
        "CM-06, MCP A26",
        "A client that a stranger made always asks its person, so a new redirect URI gets nothing silently.",
    ),
    "attack:cimd:a-code-goes-to-a-redirect-that-is-still-named": Requirement(
        "ours", "A code for a redirect URI that the document names no more is dead."
    ),
    "attack:cimd:a-document-is-nobody-elses": Requirement("CM-01", "A document is the client of its own URL alone."),
    "attack:cimd:floods-are-bounded": Requirement(
        "CM-09, decision 12", "One address makes us read few documents, and new ones empty nobody's memory."
    ),
    "attack:cimd:what-is-shown-is-not-foreign": Requirement(
        "CWE-918, CWE-203", "An error page repeats nothing of what was fetched and tells nothing of our network."
    ),
    "trust:policy:decides-for-each-tenant": Requirement(
        "MCP A20, decision 22",
        "Each tenant decides which applications of strangers it lets in; the default lets any in.",
    ),
    "trust:approve:waits-on-a-list": Requirement(
        "MCP A20, what-users-want.md 7", "An application that must be let in first stands on the administrators' list."
    ),
    "trust:verdict:a-client-before-its-host": Requirement(
        "MCP A20", "A verdict on a client goes before one on its host, and both before the policy."
    ),
    "trust:policy:acts-on-what-lives": Requirement(
        "clients.md rule 14", "A stricter policy stops codes and refreshes at once; a yes lets them go on."
    ),
    "trust:block:ends-what-lives": Requirement(
        "what-users-want.md 7, decision 14", "A block ends what the application holds in that tenant, and says so."
    ),
    "cli:trust:policy-and-verdicts": Requirement(
        "what-users-want.md 7, design §4", "An operator sets the policy, lets in, blocks, forgets, and sees who waits."
    ),
    "cli:trust:says-what-is-wrong": Requirement(
        "ours", "A wrong command names the field and the cure and changes nothing."
    ),
    "trust:scope:whom-it-is-about": Requirement(
        "ours", "The policy is about clients that strangers made, a block about every client that belongs to nobody."
    ),
    "outbound:loopback:only-when-allowed": Requirement(
        "design §4",
        "Loopback is fetched only where a developer allowed it, which is said aloud; nothing else private is.",
    ),
}

REGISTRATION: dict[str, Requirement] = {
    "rfc7591:register:effective-metadata-without-nulls": Requirement(
        "RFC 7591 §3.2.1, claude-code#52565",
        "A registration is answered 201 with what is in force, and no member is null.",
    ),
    "rfc7591:register:becomes-a-login": Requirement(
        "MCP A21", "A client that registered itself logs a person in and refreshes."
    ),
    "rfc7591:register:missing-members-have-defaults": Requirement(
        "RFC 7591 §2, MCP A22, clients.md rule 3",
        "Unknown and missing members are no error; native is inferred; the answer names what is in force.",
    ),
    "rfc7591:register:at-most-a-public-interactive-client": Requirement(
        "issue, clients.md 6a", "Grants in which no person says yes are dropped."
    ),
    "rfc7591:register:a-secret-where-it-can-be-kept": Requirement(
        "RFC 7591 §3.2.1, anthropics/claude-ai-mcp#1043",
        "A client on a server that asks for a secret gets one, needs it, and still has no grant of its own; a program on somebody's computer gets none.",
    ),
    "rfc7591:register:a-secret-where-an-operator-says-so": Requirement(
        "stacklok/toolhive#6252, RFC 7591 §3.2.1",
        "An operator names redirect URIs whose clients say `none` and then need a secret.",
    ),
    "rfc7591:redirects:judged-one-by-one": Requirement(
        "clients.md rule 3, erp-mafia/accounted#2225",
        "A redirect URI that is not served is left out and named; the others register.",
    ),
    "rfc7591:redirects:private-use-by-exact-list": Requirement(
        "clients.md rule 3, RFC 8252 §7.1, MCP A24",
        "Schemes of known applications are served by their exact URIs, and a setting adds more.",
    ),
    "rfc7591:redirects:reverse-domain-is-native": Requirement(
        "DR-04, OAuth 2.1 §8.4.3", "A reverse-domain scheme is for native applications."
    ),
    "rfc7591:register:can-be-switched-off": Requirement(
        "DR-01", "Switched off, /register is not there and not advertised."
    ),
    "rfc7591:register:is-advertised": Requirement(
        "RFC 8414 §2", "Switched on, every metadata document names the registration endpoint of its issuer."
    ),
    "rfc7591:register:belongs-to-its-issuers-tenant": Requirement(
        "decision 22", "Who registers at a tenant's own issuer is that tenant's; elsewhere the person chooses."
    ),
    "rfc7591:same:a-public-client-finds-itself-again": Requirement(
        "lion-reader#975, mcphub#1174; ours",
        "A public client that says the same gets the same client_id, loopback ports aside, and its person is asked all the same.",
    ),
    "rfc7591:same:a-secret-is-never-shared": Requirement("ours", "Two confidential clients are never one."),
    "rfc7591:expiry:unused-registrations-lapse": Requirement(
        "clients.md rule 3, decision 12",
        "A registration that nobody uses lapses; its id is unknown from then on, and the page says how to reconnect.",
    ),
    "rfc7591:expiry:used-registrations-outlive-their-tokens": Requirement(
        "clients.md rule 5, supabase/mcp#355",
        "A registration that was used stays long after its last authorization could end.",
    ),
    "rfc7591:register:is-recorded": Requirement("decision 15", "A registration and its refusal are events."),
    "rfc7591:register:is-json": Requirement(
        "RFC 7591 §3.1", "One strict, bounded JSON object is read, and nothing else."
    ),
    "ours:registration:operators-see-and-remove": Requirement(
        "ours", "Operators list clients by how they became known, see unused ones, and remove them."
    ),
    "ours:registration:settings-are-checked": Requirement(
        "design §4", "Lists of redirect URIs in settings are judged at the start."
    ),
    "attack:registration:harmful-redirects-refuse-everything": Requirement(
        "DR-03, CVE-2026-29192, GHSA-86j7-9j95-vpqj",
        "A redirect URI that runs code, opens what is local or hides its host refuses the whole registration.",
    ),
    "attack:registration:unusable-redirects-are-never-served": Requirement(
        "DR-03", "Any other redirect URI outside the rules is refused alone and never served."
    ),
    "attack:registration:redirects-are-a-bounded-list-of-texts": Requirement(
        "DR-03, MCP #3224", "Redirect URIs are a bounded list of texts, and at least one."
    ),
    "attack:registration:addresses-are-https-and-never-fetched": Requirement(
        "DR-05, arXiv 2605.22333", "Addresses a client names are https, and nobody fetches or shows them."
    ),
    "attack:registration:nothing-is-assigned-by-the-client": Requirement(
        "DR-07, ASVS 15.3", "No member of a registration gives its client more."
    ),
    "attack:registration:nobody-manages-a-client-over-the-network": Requirement(
        "DR-10, RFC 7592 §2", "No token reads, changes or deletes a registration over the network."
    ),
    "attack:registration:software-statements-are-not-believed": Requirement(
        "DR-11, RFC 7591 §3.1.1", "A software statement changes nothing."
    ),
    "attack:registration:names-are-short-printable-text": Requirement(
        "DR-12, CWE-117", "What a client says of itself is short text without control characters."
    ),
    "attack:registration:private-keys-are-refused": Requirement("RFC 7517 §9.3", "Keys of a client are public keys."),
    "attack:registration:limited-by-time": Requirement(
        "decision 12, vault-cortex#483",
        "An address prefix has a budget of registrations by time, and 429 says when to come back.",
    ),
    "attack:registration:the-ceiling-slows-and-never-closes": Requirement(
        "decision 12, vault-cortex#483",
        "A flood from everywhere slows each prefix and shortens what is kept; a newcomer always gets in.",
    ),
    "attack:registration:asking-again-adds-nothing": Requirement(
        "mcphub#1174", "A client that registers at every connect is one row."
    ),
    "attack:registration:what-was-removed-stays-dead": Requirement(
        "TK-40; ours", "Registering the same again revives nothing that an operator removed or disabled."
    ),
    "attack:registration:a-secret-of-a-stranger-proves-little": Requirement(
        "EX-09", "A client that registered itself fills the record no faster than a stranger."
    ),
    "attack:registration:a-tenants-own-door-has-its-tenants-policy": Requirement(
        "MCP A20; ours",
        "A client that registered at a tenant's own issuer is let in by that tenant's policy, as any stranger.",
    ),
    "attack:registration:nobody-prepares-anothers-registration": Requirement(
        "ours", "A registration that only looks like another does not stand in for it."
    ),
    "attack:registration:the-sweep-spares-what-is-used-meanwhile": Requirement(
        "ours", "A registration that is used while unused ones are swept stays."
    ),
    "rfc7591:register:a-key-of-its-own": Requirement(
        "RFC 7591 §2, RFC 7523 §2.2", "A client registers its public keys and proves itself with one."
    ),
    "attack:race:the-same-registration-between-processes": Requirement(
        "ours", "Of many equal registrations at two processes one makes the client."
    ),
}

CLIENT_ASSERTION: dict[str, Requirement] = {
    "client-assertion:key:proves-the-client": Requirement(
        "RFC 7523 §2.2, §3; SEP-1046; OAuth 2.1 §2.4",
        "A client with a key of its own proves by an assertion who it is, with or without client_id, at every grant.",
    ),
    "client-assertion:subject:names-the-client": Requirement(
        "TK-19, RFC 7523 §3", "An assertion whose iss, sub and client_id differ, or name nobody, is invalid_client."
    ),
    "client-assertion:audience:is-the-issuer-alone": Requirement(
        "TK-20, draft-ietf-oauth-rfc7523bis, CVE-2025-27370",
        "An assertion's audience is our issuer as one string; the token endpoint, arrays, prefixes are refused.",
    ),
    "client-assertion:audience:token-endpoint-is-a-switch": Requirement(
        "TK-20, design overrides", "A switch takes the token endpoint as audience too, and nothing else."
    ),
    "client-assertion:jti:is-used-once": Requirement(
        "TK-21, RFC 7523 §3 item 7",
        "An assertion is used once, across nodes and restarts, whatever its request came to.",
    ),
    "client-assertion:jti:is-each-clients-own": Requirement(
        "ours; RFC 7523 §3 item 7", "Nobody spends another client's jti, and no flow refuses its own second try."
    ),
    "client-assertion:life:is-short": Requirement(
        "RFC 7523 §3 items 4 to 6",
        "An assertion has an end, at most ten minutes ahead, and is refused outside its time.",
    ),
    "client-assertion:algorithm:is-the-registered-one": Requirement(
        "TK-23, RFC 8725 §3.1, CVE-2024-37568",
        "none, HS256 keyed with a public key and unregistered algorithms are refused.",
    ),
    "client-assertion:size:is-bounded-before-parsing": Requirement(
        "TK-25, CVE-2025-30204, CVE-2025-61920", "A huge or deep assertion costs milliseconds and no memory."
    ),
    "client-assertion:type:is-required": Requirement(
        "TK-26, RFC 7521 §4.2", "client_assertion_type must be there and right."
    ),
    "client-assertion:credential:never-beside-another": Requirement(
        "TK-10, OAuth 2.1 §2.4, RFC 7521 §4.2", "An assertion comes with no other credential, even a right one."
    ),
    "client-assertion:method:is-the-registered-one": Requirement(
        "TK-17, TK-18", "A key proves only clients registered for it, and nothing else proves those."
    ),
    "client-assertion:forged:every-nasty-token-is-refused": Requirement(
        "RS-01 to RS-17, TK-25; C2SP Wycheproof", "The corpus of nasty tokens and Wycheproof's vectors prove nobody."
    ),
    "client-assertion:refusal:tells-nothing": Requirement(
        "RFC 6749 §5.2; ours", "Every refused assertion is answered by the same bytes; the record knows why."
    ),
    "client-assertion:guessing:is-limited": Requirement(
        "TK-15, OAuth 2.1 §2.4.1",
        "Wrong assertions are limited per client and address, and cost no signature check then.",
    ),
    "client-assertion:keys:are-checked-strictly": Requirement(
        "SF-07, RFC 7517 §4, RFC 8725 §3.5",
        "A client's key is public, asymmetric, strong, for signatures, and no two share a name.",
    ),
    "client-assertion:jwks-uri:is-followed": Requirement(
        "RFC 7591 §2; ours",
        "Keys that a client publishes are fetched once for all who wait, followed when they rotate, and kept for an hour at most.",
    ),
    "client-assertion:jwks-uri:strangers-cause-little": Requirement(
        "SF-07; CVE-2026-48524", "Whoever invents key names makes us ask a client's server twice a minute at most."
    ),
    "client-assertion:metadata:says-what-works": Requirement(
        "SEP-1046, RFC 8414 §2", "The metadata names the method and exactly the algorithms that work."
    ),
}

SECRETS: dict[str, Requirement] = {
    "secrets:rotation:overlaps": Requirement(
        "ours; C09",
        "A rotation is one operation: the new secret works at once, the old one for the overlap and no longer.",
    ),
    "secrets:rotation:two-at-most": Requirement(
        "ours; C09",
        "A second rotation inside an overlap ends the oldest secret at once; two operators at once are told.",
    ),
    "secrets:rotation:old-uses-are-recorded": Requirement(
        "ours", "Whoever still uses the old secret stands in the record, with a bounded share of it."
    ),
    "secrets:rotation:people-stay-signed-in": Requirement(
        "ours", "Rotating a client's credential ends no person's login; a machine's authorizations begin anew."
    ),
    "secrets:rotation:keys-overlap": Requirement(
        "ours; RFC 7517 §4.5", "A client's keys rotate like secrets: two sets side by side, the old one ends by itself."
    ),
    "secrets:machine:ends": Requirement(
        "design §4, profile system", "A machine's credential and authorization end after 7 to 30 days unless renewed."
    ),
    "secrets:machine:end-is-announced": Requirement(
        "design §4, profile system", "The end is announced once before it comes: record, log, check, client list."
    ),
    "secrets:check:fails-when-overdue": Requirement(
        "ours; NIST SP 800-57 §5.3.6",
        "check fails, naming the cure, when a rotation is overdue: keys, secrets, wrapping.",
    ),
    "secrets:envelope:opens-in-its-place": Requirement(
        "decision 16; ours", "A secret that is read back opens in its own table, column and row alone."
    ),
    "secrets:envelope:rewraps-everything": Requirement(
        "decision 16; ours", "The key-encryption key changes by one command, under a running server, in every column."
    ),
    "secrets:dump:holds-nothing-usable": Requirement(
        "C09, decision 8, decision 16, MCP A37",
        "A dump of the database after a day of every feature holds no usable credential.",
    ),
    "secrets:machine:operator-renews": Requirement(
        "design §4, profile system", "An operator renews a machine by one command, and nobody else."
    ),
}

INTROSPECTION: dict[str, Requirement] = {
    "rfc7662:active:says-what-the-token-says": Requirement(
        "IN-02, RFC 7662 §2.2", "A live token is active, with what it was signed with."
    ),
    "rfc7662:request:needs-a-credential": Requirement(
        "IN-01, RFC 7662 §2.1", "Only a client that proved itself by its own method is told anything."
    ),
    "rfc7662:request:one-token-by-post": Requirement(
        "IN-07, IN-08, RFC 7662 §2.1", "A request names one token, in one form; a hint changes nothing."
    ),
    "rfc7662:request:never-from-a-browser": Requirement("RFC 7662 §4", "No page of another origin can read an answer."),
    "rfc7662:inactive:is-one-answer": Requirement(
        "IN-03, IN-05, RFC 7662 §2.2", "Whatever a resource server may not know is inactive, byte for byte alike."
    ),
    "rfc7662:active:an-exchanged-token-names-who-acts": Requirement(
        "RFC 8693 §4.1", "An exchanged token names who acts, and dies with its caller's authorization."
    ),
    "rfc7662:tenants:a-shared-server-sees-those-it-serves": Requirement(
        "ours", "A resource server that belongs to nobody sees the tenants that its resource is linked to."
    ),
    "rfc7662:tenants:a-tenants-server-sees-its-own": Requirement(
        "IN-04", "A tenant's own resource server sees that tenant's tokens alone."
    ),
    "rfc7662:active:what-was-taken-away-is-gone": Requirement(
        "ours, clients rule 14", "A scope or role that was taken away since is gone from the answer."
    ),
    "attack:introspection:one-answer-for-everything-else": Requirement(
        "IN-03, IN-04, IN-05, IN-09, IN-10, CVE-2026-27840",
        "Another server's, tenant's or issuer's token, another kind of secret and garbage get the same bytes.",
    ),
    "attack:introspection:who-has-to-wait-keeps-the-assertion": Requirement(
        "RFC 7523 §3, decision 12", "A 429 spends nothing, an assertion neither."
    ),
    "attack:introspection:bounded": Requirement("IN-05", "A megabyte is refused before it is read."),
    "attack:introspection:scanning-is-bounded": Requirement(
        "IN-11, RFC 7662 §4", "Scanning is slowed and noted, and does not keep a server from asking about good tokens."
    ),
    "attack:introspection:secrets-cannot-be-guessed": Requirement(
        "TK-15, RFC 7662 §4", "Guessing a server's secret slows the guesser alone."
    ),
    "attack:introspection:no-clock-tells": Requirement(
        "IN-05", "What died and what never was cost the same signature and the same reading."
    ),
    "attack:introspection:no-verdict-is-kept": Requirement(
        "decision 20", "A token that was asked about before dies with its row, its key and its time."
    ),
    "attack:introspection:the-stricter-end-wins": Requirement(
        "IN-06, CVE-2026-8922", "One end is enough, and lifting another undoes nothing."
    ),
    "attack:introspection:a-servers-own-end": Requirement("ours", "A resource server that ended is told nothing."),
    "rfc8414:metadata:names-introspection-and-revocation": Requirement(
        "RFC 8414 §2", "The metadata names both endpoints and how to authenticate there."
    ),
}

REVOCATION: dict[str, Requirement] = {
    "rfc7009:refresh-token:ends-its-authorization": Requirement(
        "RV-02, TK-35, RFC 7009 §2.1", "A refresh token of any generation ends its authorization and all under it."
    ),
    "rfc7009:access-token:ends-alone": Requirement(
        "RFC 7009 §2.1", "An access token is revoked alone; its authorization goes on."
    ),
    "rfc7009:request:is-limited-by-itself": Requirement(
        "issue, decision 12",
        "Who revokes without end is told when to come back; a flood of token requests stops nobody.",
    ),
    "rfc7009:request:a-hint-changes-nothing": Requirement("RV-06, RFC 7009 §2.1", "A wrong hint revokes all the same."),
    "rfc7009:owner:nobody-else-ends-it": Requirement(
        "RV-03, RFC 7009 §2.1, §2.2", "Somebody else's token lives on, and the answer is that for an unknown one."
    ),
    "rfc7009:request:needs-the-clients-credential": Requirement(
        "RV-05, RFC 7009 §2.1", "A confidential client proves itself before anything is ended."
    ),
    "rfc7009:request:one-token-by-post": Requirement("RFC 7009 §2.1", "A request names one token, in one form."),
    "rfc7009:request:open-to-browser-clients": Requirement(
        "RFC 7009 §2.1, clients rule 11", "Browser clients may revoke."
    ),
    "rfc7009:answer:never-200-for-what-was-not-stored": Requirement(
        "RFC 7009 §2.2.1, CVE-2020-15223", "What could not be stored is a 503 with Retry-After."
    ),
    "rfc7009:answer:repeating-changes-nothing": Requirement(
        "RFC 7009 §2.2", "Revoking again is 200, and writes and announces nothing."
    ),
    "attack:revocation:no-descendant-lives-on": Requirement(
        "RV-07, TK-40, CVE-2026-1035", "After a revocation beside a refresh or a redemption nothing of it is alive."
    ),
    "attack:revocation:dead-at-every-process": Requirement(
        "RV-02, design §6", "What one process revoked no other calls alive, from the next question on."
    ),
    "attack:revocation:one-of-many-at-once": Requirement("RFC 7009 §2.2", "Many revocations at once are 200 each."),
    "attack:revocation:the-list-is-bounded": Requirement(
        "RV-09", "What is known of a revoked token is forgotten when it would have expired."
    ),
    "attack:storm:one-live-successor-each": Requirement(
        "TK-33, ours", "A storm of 500 refreshes leaves one live successor each, none where an old token came back."
    ),
    "chaos:storm:one-live-successor-each": Requirement("TK-33, ours", "So does one of 10,000."),
    "chaos:kill:what-was-revoked-stays-dead": Requirement(
        "ours, CVE-2026-9802", "What a client was told is revoked is dead after the server was killed."
    ),
    "rfc7009:answer:dead-after-a-restart": Requirement("CVE-2026-9802", "What was revoked is dead after a restart."),
}

ENDS: dict[str, Requirement] = {
    "ends:at-once:everything-that-hangs-on-it": Requirement(
        "issue, TK-40, IN-06, CVE-2024-46999, CVE-2025-64521, CVE-2026-9802",
        "A person, client, tenant, resource, consent or token that ends takes along at once, and for good, what hangs on it.",
    ),
    "ends:at-once:other-processes-do-not-go-on-from-memory": Requirement(
        "decision 20", "What ended elsewhere is refused by a process that still remembers it."
    ),
    "ends:at-once:however-many": Requirement("issue", "Thousands end by one statement and one announcement."),
    "ends:at-once:in-every-tenant-of-a-shared-thing": Requirement(
        "decision 22", "A shared client and a person end in every tenant, in one commit that is recorded."
    ),
    "ends:at-once:a-person-everywhere": Requirement(
        "issue, decision 22", "A person who is disabled everywhere holds nothing and comes in nowhere, at once."
    ),
    "ends:at-once:one-tenant-does-not-sign-out-of-another": Requirement(
        "decision 22", "A membership that ends does not end what a person has in another tenant."
    ),
    "ends:at-once:nobody-is-left-out": Requirement(
        "ours", "Every table that holds something usable says with what it ends."
    ),
    "ends:machines:begin-anew-without-being-renewed": Requirement(
        "ours, decision 14", "A machine that is enabled again begins another authorization, and gets no new time by it."
    ),
}

PUSHED: dict[str, Requirement] = {
    "rfc9126:par:answer-is-a-reference": Requirement(
        "RFC 9126 §2.2",
        "A pushed request is answered 201 with a fresh reference and its life, never stored by a cache.",
    ),
    "rfc9126:par:whole-flow": Requirement(
        "RFC 9126 §4", "Public and confidential clients log people in with client_id and request_uri alone."
    ),
    "rfc9126:par:client-authenticates-as-registered": Requirement(
        "RFC 9126 §2", "Whoever pushes authenticates as at the token endpoint, and unknown clients get 401."
    ),
    "rfc9126:par:checked-before-it-is-kept": Requirement(
        "RFC 9126 §2.1, §2.3",
        "Every check of an authorization request runs at the push; an error is JSON, never a redirect.",
    ),
    "rfc9126:par:no-reference-inside": Requirement("RFC 9126 §2.1", "A pushed request cannot name another one."),
    "rfc9126:par:only-post": Requirement("RFC 9126 §2.3", "The endpoint takes forms by POST, of a bounded size."),
    "rfc9126:par:required-by-deployment-or-client": Requirement(
        "RFC 9126 §5, §6", "Where pushing is required, a plain request is refused, and metadata says so."
    ),
    "rfc9126:par:a-client-may-demand-it-of-itself": Requirement(
        "RFC 9126 §6", "A client that registers itself, or its document, may want no plain request answered."
    ),
    "rfc9126:par:metadata": Requirement("RFC 9126 §5", "Metadata names the endpoint, and each issuer its own."),
    "rfc9126:par:parameters-beside-are-ignored": Requirement(
        "RFC 9126 §4", "What stands beside a reference in the browser changes nothing."
    ),
    "rfc9126:par:looking-spends-nothing": Requirement(
        "clients.md rule 10, RFC 9126 §4", "A request may be opened twice, reloaded, and interrupted by a login."
    ),
    "rfc9126:par:people-have-time": Requirement(
        "ours, RFC 9126 §2.2",
        "A request opened in time leaves the person a quarter of an hour, and opening again adds none.",
    ),
    "rfc9126:par:prompt-login-asks-once": Requirement(
        "OpenID Connect Core §3.1.2.1", "A pushed prompt=login asks for the password once, whatever the query claims."
    ),
    "rfc9126:par:forgotten-when-over": Requirement("EX-09", "Requests that are over leave the database."),
    "attack:pushed:answered-once": Requirement(
        "RFC 9126 §7.3", "One pushed request gives one answer, in any number of parallel browsers and processes."
    ),
    "attack:pushed:second-click-gets-the-same-code": Requirement(
        "clients.md rule 10",
        "A form sent twice gets the same code to the same browser session, for seconds, and nobody else does.",
    ),
    "attack:pushed:not-for-another-client": Requirement(
        "RFC 9126 §2.2, §7.1", "A reference counts only with the client that pushed it."
    ),
    "attack:pushed:not-at-another-issuer": Requirement("AZ-24", "A reference counts only at the issuer that gave it."),
    "attack:pushed:unknown-and-old-are-equal": Requirement(
        "RFC 9126 §7.1, §7.3",
        "A guessed, an old and a foreign reference are the same error page, and send nobody anywhere.",
    ),
    "attack:pushed:checked-again": Requirement(
        "RFC 9126 §7.4, ours",
        "A client, resource or person changed after the push is met by the checks as they are now.",
    ),
    "attack:pushed:logged-in-proof-is-of-this-session": Requirement(
        "ours", "Nobody skips a pushed prompt=login with a proof of another session or another request."
    ),
    "attack:pushed:unreadable-at-rest": Requirement(
        "decision 15", "The database holds neither the reference nor what was asked for in the clear."
    ),
    "attack:pushed:floods-are-slowed": Requirement(
        "EX-09, decision 12",
        "An address without a credential is limited, above the ceiling slowed, and never locks others out.",
    ),
}

DEVICE: dict[str, Requirement] = {
    "rfc8628:start:answer-has-everything": Requirement(
        "RFC 8628 §3.2",
        "A device gets its code, a short code for people, where to type it, for how long and how often to ask.",
    ),
    "rfc8628:start:not-while-the-server-is-switched-off": Requirement(
        "decision 14",
        "a device does not begin at a server that an operator has switched off; it is told when to come back",
    ),
    "rfc8628:start:only-registered-clients": Requirement(
        "RFC 8628 §3.1, §5.6", "A client authenticates as registered and must be registered for the grant."
    ),
    "rfc8628:start:target-and-scope-are-checked": Requirement(
        "RFC 8707 §2, decision 7",
        "Resource and scope are those the client may have; a missing resource is the default.",
    ),
    "rfc8628:poll:pending-then-tokens": Requirement(
        "RFC 8628 §3.5",
        "A device waits, and gets tokens bound to person, tenant, client and resource once somebody allowed.",
    ),
    "rfc8628:poll:slow-down-adds-up": Requirement(
        "RFC 8628 §3.5", "A device that asks too soon waits five seconds longer each time."
    ),
    "rfc8628:poll:expires": Requirement(
        "RFC 8628 §3.2, §3.5", "After its end the code is expired_token, for whoever types it unknown."
    ),
    "rfc8628:poll:denied": Requirement("RFC 8628 §3.5", "A no is access_denied, and the code is dead."),
    "rfc8628:page:login-then-code-then-decision": Requirement(
        "RFC 8628 §3.3",
        "A person signs in, types the code however it is written, sees who asks for what and from where, decides.",
    ),
    "rfc8628:page:link-with-code-asks-to-compare": Requirement(
        "RFC 8628 §3.3.1, §5.4", "A link that carries the code shows it and decides nothing by being opened."
    ),
    "rfc8628:page:tenant-and-tools-as-at-consent": Requirement(
        "decisions 11, 22",
        "Tenant, tools and personal scopes are chosen as at consent, and the consent is recorded as there.",
    ),
    "rfc8628:metadata": Requirement("RFC 8628 §4", "Metadata names the endpoint of each issuer, and the grant."),
    "rfc8628:forgotten-when-over": Requirement("EX-09", "Device codes that are over leave the database."),
    "attack:device:guessing-is-limited": Requirement(
        "RFC 8628 §5.1, RL-03",
        "Guessing user codes costs a login and is limited by person, by address and by everybody together.",
    ),
    "attack:device:codes-cannot-be-predicted": Requirement(
        "AZ-48, RFC 8628 §6.1",
        "User codes are eight random letters that cannot be mistaken, and never given twice at once.",
    ),
    "attack:device:bound-to-the-session-that-typed-it": Requirement(
        "RFC 8628 §5.4, AP-11, CVE-2026-45337",
        "Only the browser session that typed the code decides; a second one is refused in words.",
    ),
    "attack:device:phishing-page-warns": Requirement(
        "RFC 8628 §5.4", "The page warns of codes from others and says when and from which network it was asked."
    ),
    "attack:device:form-is-of-this-code-and-session": Requirement(
        "RFC 9700 §4.7", "A decision counts only from the page that showed this code to this session."
    ),
    "attack:device:not-for-another-client": Requirement(
        "RFC 8628 §5.2", "A device code counts only with its client, at its issuer, for its resource and its grant."
    ),
    "attack:device:not-across-tenants": Requirement(
        "C22, TN-15", "A code of another tenant's client is no code at all."
    ),
    "attack:device:fetched-once": Requirement(
        "RFC 8628 §3.5", "Parallel polls get one set of tokens, in any number of processes."
    ),
    "attack:device:decided-once": Requirement(
        "ours", "A decision is made once; sending the form again changes nothing."
    ),
    "attack:device:checked-again": Requirement(
        "ours", "What is disabled, withdrawn or narrowed between start, decision and poll yields nothing."
    ),
    "attack:device:unreadable-at-rest": Requirement(
        "decision 8", "The database holds neither code, nor the address of the device, in the clear."
    ),
    "attack:device:floods-are-slowed": Requirement(
        "EX-09, decision 12",
        "An address without a credential is limited; waiting devices and strangers fill no record.",
    ),
    "browser:device:whole-flow": Requirement(
        "contract, RFC 8628 §3.3",
        "A person connects a device in a real browser, in both schemes and widths, and can refuse.",
    ),
}

EXCHANGE: dict[str, Requirement] = {
    "ours:presented:a-good-token-is-read-as-it-was-written": Requirement(
        "RFC 9068 §4", "The server knows its own access tokens again, with every algorithm it signs with."
    ),
    "ours:presented:anything-else-is-refused": Requirement(
        "RFC 8725 §3.1, §3.11", "A token that is not byte for byte as one of our keys wrote it is nobody's."
    ),
    "ours:presented:falls-with-what-it-stands-on": Requirement(
        "issue, decision 3",
        "A presented token counts only while authorization, person, consent, client, tenant and resource do.",
    ),
    "rfc8693:exchange:names-who-acts-for-whom": Requirement(
        "RFC 8693 §2.2.1, §4.1, §4.3", "An exchanged token is for the target, keeps the person and names who acts."
    ),
    "rfc8693:exchange:ends-no-later": Requirement("RFC 8693 §5", "It ends no later than the token it came from."),
    "rfc8693:exchange:never-wider": Requirement(
        "RFC 8693 §2.1, C10", "It holds what was mapped for what the caller carries and may have, and nothing else."
    ),
    "rfc8693:exchange:one-registered-target": Requirement(
        "RFC 8693 §2.2.2, RFC 8707 §2", "The target is the one resource that an operator allowed."
    ),
    "rfc8693:exchange:form": Requirement("RFC 8693 §2.1, §2.2.2", "What is not supported is refused by name."),
    "rfc8693:exchange:chains-are-named-and-bounded": Requirement(
        "RFC 8693 §4.1", "Each of at most three servers of a chain is named, and none leads back."
    ),
    "rfc8693:exchange:is-recorded": Requirement("decision 15", "Who acted for whom and where is recorded."),
    "rfc8693:exchange:a-machines-token-too": Requirement(
        "RFC 8693 §2.1, design §4", "A machine's token is exchanged without what needs a role."
    ),
    "attack:exchange:no-deputy-can-be-confused": Requirement(
        "RFC 8693 §5, MCP Token Passthrough", "A server trades only what was meant for it, and proves who it is."
    ),
    "attack:exchange:no-other-kind-of-token": Requirement(
        "RFC 8693 §2.1, RFC 8725 §3.11", "Nothing but a living access token of this issuer is taken."
    ),
    "attack:exchange:what-is-bound-to-a-key-is-not-traded": Requirement(
        "RFC 9449 §7, RFC 8705 §3", "A sender-constrained token is not traded for a bearer token."
    ),
    "attack:shared-server:a-block-is-for-servers-too": Requirement(
        "decision 22", "A shared server that a tenant blocked acts, asks and trades no longer for that tenant's people."
    ),
    "attack:exchange:tenants-stay-apart": Requirement(
        "C22", "The tenant is the caller's, and the target is linked to it."
    ),
    "attack:exchange:nothing-that-ended-is-traded": Requirement(
        "decision 14, issue", "What ended is not traded, and what was traded under it ends with it."
    ),
    "attack:exchange:what-the-operator-takes-back-is-gone": Requirement(
        "RFC 8693 §5", "Taking an exchange back ends what was traded under it."
    ),
    "attack:exchange:follows-roles-and-consent": Requirement(
        "decision 11", "A role or scope taken away is gone from the next trade."
    ),
    "attack:exchange:is-no-way-back": Requirement("RFC 8693 §2.2.1", "What was traded refreshes and widens nothing."),
    "guard:exchange:asks-as-rfc8693-says": Requirement(
        "RFC 8693 §2.1", "A tool gets a token of an upstream API in its caller's name, asked for as specified."
    ),
    "guard:exchange:is-kept-within-bounds": Requirement(
        "ours", "What was traded is kept until shortly before its end, bounded, and asked for once at a time."
    ),
    "guard:exchange:refusals-are-typed": Requirement(
        "RFC 8693 §2.2.2", "A refusal tells its code; what is no proper answer is no answer."
    ),
    "guard:exchange:the-callers-token-stays-in": Requirement(
        "MCP Token Passthrough, C47", "No tool can read, print, copy or keep its caller's token."
    ),
    "guard:exchange:needs-a-credential": Requirement(
        "decision 18", "A guard acts for its callers with a credential of its own, and says so when it has none."
    ),
    "guard:exchange:goes-to-its-own-resource-alone": Requirement(
        "RFC 8707 §3", "An exchanged token is sent to its own resource's origin and no other."
    ),
    "agreement:exchange:upstream-sees-the-person-and-who-acts": Requirement(
        "MCP Token Passthrough, RFC 8693 §4.1",
        "An upstream API sees the person and who acts, never the caller's token.",
    ),
    "agreement:exchange:refusals-reach-the-tool": Requirement(
        "RFC 8693 §2.2.2", "A tool learns what was refused; nothing goes upstream, and each token has one place."
    ),
    "agreement:exchange:the-example-works": Requirement(
        "ours", "The example acts for its callers in both eras of MCP."
    ),
    "ours:consent:shows-where-a-server-may-act": Requirement(
        "RFC 8693 §5, decision 7", "Consent shows where the server may act in the person's name, and with what."
    ),
    "cli:exchange:add-list-remove": Requirement(
        "ours", "An operator allows, lists and takes back exchanges, and each slip is refused with its cure."
    ),
    "cli:exchange:is-recorded": Requirement("decision 15", "Allowing an exchange and taking it back are recorded."),
    "attack:exchange:floods-are-slowed": Requirement("decision 12", "A server that floods is slowed like any client."),
}

API_KEYS: dict[str, Requirement] = {
    "api-key:exchange:gives-a-short-token-of-its-owner": Requirement(
        "C02, K2, RFC 8693 §2.1", "A key is exchanged for a token of minutes, of its owner, for its one resource."
    ),
    "api-key:exchange:narrows-and-never-widens": Requirement(
        "C02, RFC 8693 §2.2.2", "It gives its scopes or fewer, and none that its owner may not have."
    ),
    "api-key:exchange:follows-its-owner": Requirement("decision 11", "What its owner lost, it lost."),
    "api-key:exchange:is-recorded": Requirement("decision 15, C02", "Its uses are recorded, its last use to the hour."),
    "api-key:exchange:its-token-goes-further": Requirement(
        "RFC 8693 §4.1", "Its token is exchanged upstream like any other, and ends with the key."
    ),
    "api-key:form:is-known-to-scanners": Requirement("C02", "Prefix and checksum; a typo costs no look-up."),
    "api-key:rest:is-a-hash": Requirement("decision 8, C47", "No row, event or log holds a key."),
    "api-key:rest:is-forgotten-after-its-end": Requirement("ours", "A key is forgotten a week after its end."),
    "api-key:end:is-at-once": Requirement("issue, C02", "It ends at once with key, owner, tenant and resource."),
    "api-key:end:what-ended-stays-ended": Requirement("decision 14", "An enabled key begins anew."),
    "api-key:end:races": Requirement("decision 4", "A key ended while it is exchanged gives nothing that lives."),
    "api-key:rotate:one-operation-with-an-overlap": Requirement("issue", "Rotation overlaps for as long as was said."),
    "agreement:api-keys:only-where-the-author-opted-in": Requirement(
        "K2, decision 10", "A guard takes keys only where its author opted in; elsewhere they are the one 401."
    ),
    "agreement:api-keys:guesses-are-budgeted": Requirement(
        "decision 12", "A flood of guesses neither reaches the issuer nor locks a good key out."
    ),
    "cli:api-key:add-list-show-set-disable-rotate-remove": Requirement(
        "design §4", "An operator makes, lists, rotates, disables and removes keys, and sees a secret once."
    ),
    "cli:api-key:errors-name-the-cure": Requirement("design §4", "Each slip is refused with its field and its cure."),
    "cli:check:warns-of-keys-that-end-soon": Requirement("issue", "`check` says which keys end within two weeks."),
    "api-key:guessing:is-slowed-and-locks-nobody-out": Requirement(
        "decision 12", "Guesses are slowed by address, and a right key never is."
    ),
    "api-key:server:learns-only-of-its-own": Requirement(
        "RFC 8693 §5", "A server exchanges keys for its own resource alone, other clients none."
    ),
}

ACCOUNT: dict[str, Requirement] = {
    "account:page:shows-what-is-connected": Requirement(
        "issue: a page for people, MCP A19",
        "A person sees each connected application: who, where, what it may do in words, since when, last used.",
    ),
    "account:page:is-found-from-the-servers-own-address": Requirement(
        "ours", "Whoever types an issuer's address is led to its page for people."
    ),
    "account:page:needs-a-login-and-comes-back": Requirement(
        "ours, AZ-04", "The account page sends to the login and comes back, and to nowhere else."
    ),
    "account:page:all-tenants-each-inside-its-own": Requirement(
        "design decision 22",
        "One page shows all of a person's tenants; what is ended in one touches nothing of another.",
    ),
    "account:page:shows-where-a-server-acts": Requirement(
        "RFC 8693 §5",
        "A person sees where a connected server may act for them, as far as it may with what they allowed.",
    ),
    "account:keys:shows-ones-own": Requirement(
        "C02", "A person sees their own API keys, what each may do, its end and its last use, and nobody else's."
    ),
    "account:keys:ending-acts-at-once": Requirement(
        "C02, K2", "A person ends a key of theirs; it and what it got are dead at once, and nothing else is."
    ),
    "account:disconnect:acts-at-once": Requirement(
        "clients.md rule 14", "Disconnecting ends every login of an application at once; connecting again asks anew."
    ),
    "account:disconnect:one-login-alone": Requirement("design §2", "One login of an application can be ended alone."),
    "account:disconnect:is-recorded": Requirement(
        "design decisions 14, 15", "What a person ends is recorded, and announced in the numbered list."
    ),
    "account:more:the-next-refresh-carries-it": Requirement(
        "design decision 9, clients.md rule 13",
        "What a person allows one login on our page is carried by its next refresh that names no scope.",
    ),
    "account:more:not-what-is-switched-off": Requirement(
        "decision 14", "nobody lets an application do more at a server or with a tool that an operator has switched off"
    ),
    "account:more:lapses-by-itself": Requirement(
        "design decision 9", "What was allowed for a while is gone after it, from refreshes and from tokens alike."
    ),
    "account:more:is-taken-back": Requirement(
        "ours", "What was allowed for a while is taken back by a button, by a newer decision, or with the connection."
    ),
    "account:more:only-what-the-role-permits": Requirement(
        "design decision 22", "Nobody can allow on the page what their role or the registration does not permit."
    ),
    "account:more:never-beyond-the-login": Requirement(
        "design decision 9", "What is allowed for a while ends with the login at the latest."
    ),
    "account:change:narrows-every-login": Requirement(
        "design decision 11, clients.md rule 14",
        "What is unticked on the page is gone from every login, and a form adds nothing.",
    ),
    "account:password:ends-what-hangs-on-it": Requirement(
        "ASVS 7.4.3", "A new password, given the present one, ends every other browser and every application's access."
    ),
    "attack:account:only-ones-own": Requirement(
        "AZ-04, AZ-25, AZ-28, AZ-51, AZ-52; RFC 9700 §4.7; design decision 22",
        "Nobody sees, ends or widens another person's connections, nor makes a person do it unknowingly.",
    ),
    "attack:race:disconnect-between-processes": Requirement(
        "issue: races, refresh vs revoke", "Disconnecting wins over every refresh, in whichever process."
    ),
    "browser:account:disconnect-ends-it": Requirement(
        "issue: a page for people",
        "In a real browser, with and without script, a person allows more for a while, disconnects, and both act.",
    ),
    "account:sign-out:everywhere": Requirement(
        "ASVS 7.4.3", "Signing out everywhere ends every browser session and no application."
    ),
}

OPENID: dict[str, Requirement] = {
    "oidc:id-token:says-who-signed-in": Requirement(
        "OpenID Connect Core §2, §3.1.3",
        "With openid a code gives an ID token that a strict library accepts; without, none.",
    ),
    "oidc:id-token:at-a-refresh": Requirement(
        "OpenID Connect Core §12.2", "A refresh with openid gives a newer ID token of the same login."
    ),
    "oidc:id-token:is-no-access-token": Requirement(
        "RFC 9068 §2.1, RFC 8725 §3.11", "An ID token has another type and another audience than an access token."
    ),
    "oidc:id-token:by-the-key-that-signs": Requirement(
        "OpenID Connect Core §3.1.3.6",
        "An ID token is signed as the deployment signs, and at_hash follows the algorithm.",
    ),
    "oidc:claims:only-what-the-person-ticked": Requirement(
        "OpenID Connect Core §5.4, clients.md rule 7", "A name or an address is told only where the person ticked it."
    ),
    "oidc:claims:follow-the-consent": Requirement(
        "ours", "What a person takes away on their account page is told no longer, at userinfo at once."
    ),
    "oidc:claims:sub-is-per-tenant": Requirement("design decision 22", "A person is another subject in each tenant."),
    "oidc:userinfo:post-too": Requirement(
        "OpenID Connect Core §5.3.1, RFC 6750 §2.1", "Userinfo answers GET and POST, to a token in the header alone."
    ),
    "oidc:userinfo:one-401": Requirement(
        "RFC 6750 §3, design decision 10", "Userinfo refuses every token that is not good with the same 401."
    ),
    "oidc:userinfo:ends-at-once": Requirement(
        "design decision 14", "Userinfo says nothing once person, consent, tenant, client or resource is gone."
    ),
    "oidc:scopes:permit-nothing-at-a-resource": Requirement(
        "clients.md rule 7",
        "The scopes of OpenID Connect may be asked for by every client and permit nothing at a resource.",
    ),
    "oidc:request:nonce-comes-back": Requirement(
        "OpenID Connect Core §3.1.2.1", "A nonce comes back unmodified, and one without end is refused."
    ),
    "oidc:request:login-hint-fills-the-field": Requirement(
        "OpenID Connect Core §3.1.2.1", "A login hint stands in the field of the login page, as text."
    ),
    "oidc:discovery:one-document": Requirement(
        "OpenID Connect Discovery §3, clients.md rule 1",
        "OAuth and OpenID discovery give the same bytes, with the members of both.",
    ),
    "oidc:discovery:valid-to-authlib": Requirement(
        "OpenID Connect Discovery §3", "Authlib's OAuth and OpenID models find the document valid."
    ),
    "oidc:discovery:says-how-it-signs": Requirement(
        "ours, OpenID Connect Discovery §3", "Only the algorithms of published keys are advertised for ID tokens."
    ),
    "oidc:discovery:claims-are-those-that-come": Requirement(
        "OpenID Connect Discovery §3", "claims_supported lists exactly what can come."
    ),
    "attack:confusion:each-credential-at-its-own-door": Requirement(
        "RS-12, RFC 8725 §3.11, §3.12", "No kind of credential is taken for another at any endpoint."
    ),
}

CLIENTS: dict[str, Requirement] = {
    "clients:matrix:registers": Requirement(
        "clients.md 6a", "Each client of the catalogue registers with what it sends."
    ),
    "clients:matrix:logs-in": Requirement(
        "clients.md 6a", "Each client of the catalogue logs its person in with what it sends."
    ),
    "clients:matrix:refreshes": Requirement(
        "clients.md 6a, rule 8", "Each client of the catalogue refreshes without scope, and a retry is answered alike."
    ),
    "clients:matrix:steps-up": Requirement(
        "clients.md 6a, rule 13",
        "Each client of the catalogue gets more: by asking again, or by its person on our page.",
    ),
    "clients:matrix:known-by-document": Requirement(
        "clients.md 6a, rule 4", "Each client with a metadata document is known by it."
    ),
    "clients:rules:each-is-shown": Requirement(
        "clients.md 6b", "Each rule, and each trap of a client, is shown by a promise."
    ),
    "clients:rule:1-metadata": Requirement("clients.md rule 1", "Clients find in the metadata what they look for."),
    "clients:rule:5-stale-clients": Requirement(
        "clients.md rule 5", "Who uses a client id that is gone is told how to go on."
    ),
    "clients:rule:7-offline-access-is-advertised": Requirement("clients.md rule 7", "offline_access is advertised."),
    "clients:rule:10-two-authorize-calls": Requirement(
        "clients.md rule 10", "Two authorization requests of one login both end well."
    ),
    "clients:rule:11-cross-origin": Requirement(
        "clients.md rule 11", "A web page registers, redeems and revokes from its own origin."
    ),
    "clients:rule:12-public-address": Requirement(
        "clients.md rule 12", "No inner name leaks into what a client is told."
    ),
    "clients:seen:4-a-refresh-at-the-wrong-door": Requirement(
        "clients.md, seen 4", "A refresh sent to the MCP server reaches nobody and harms nothing."
    ),
    "clients:seen:5-a-probe-before-the-browser": Requirement(
        "clients.md, seen 5", "A probe of the authorization URL tells a stale client and disturbs no login."
    ),
    "clients:seen:6-a-changed-call-as-a-fresh-one": Requirement(
        "clients.md, seen 6",
        "A changed call is not covered by the approval of another, as a retry or as a fresh call.",
    ),
    "clients:habit:an-older-document": Requirement(
        "Altinity#118", "A document that names private_key_jwt alone is served, and demands the proof."
    ),
    "clients:habit:both-addresses-of-claude": Requirement("clients.md 6a", "Claude is served at both its addresses."),
    "clients:habit:an-empty-list-of-addresses": Requirement("MCP #3224", "A client that names no address is told so."),
    "clients:habit:no-resource-at-all": Requirement(
        "claude-code#90497, n8n#30733", "A client that never says resource gets the default of its person."
    ),
    "clients:habit:asks-for-everything": Requirement(
        "claude-code#10572, #41610", "Asking for every scope gives what the person may and ticks."
    ),
    "clients:habit:one-refresh-token-in-several-processes": Requirement(
        "claude-code#91641", "Processes that share one refresh token all go on."
    ),
    "clients:habit:two-nodes-refresh-in-turn": Requirement(
        "fastmcp#4265", "A node that is behind does not end the login."
    ),
    "clients:habit:told-to-register-again": Requirement(
        "support.anthropic.com 11503834", "A removed client is told to register again, and can."
    ),
    "clients:habit:cursor-uses-each-of-its-addresses": Requirement(
        "accounted#2225, bytebase#20510", "Each address of Cursor gets its answer."
    ),
    "clients:habit:web-beside-loopback": Requirement(
        "accounted#2225", "`web` with a loopback address beside it is served."
    ),
    "clients:habit:the-page-goes-on-to-a-private-scheme": Requirement(
        "inbox-zero#3784", "The consent page lets its form go on to a private scheme."
    ),
    "clients:habit:another-port-than-registered": Requirement(
        "vscode#278512, copilot-cli#1951, mcp-remote#72", "A program comes back on another port than it registered."
    ),
    "clients:habit:asks-beyond-what-it-registered": Requirement(
        "clerk/mcp-tools#9", "Scopes beyond those registered can be asked for."
    ),
    "clients:habit:discovery-from-the-authorization-endpoint": Requirement(
        "gemini-cli#17167", "The origin of the authorization endpoint leads to the metadata."
    ),
    "clients:habit:a-slash-after-a-pathless-resource": Requirement(
        "vercel/ai#13988", "A slash after a resource without a path changes nothing."
    ),
    "clients:habit:a-refused-refresh-burns-nothing": Requirement(
        "rust-sdk#1084", "A refresh for the wrong resource is refused and uses nothing up."
    ),
    "rfc8707:default:is-of-the-persons-tenant": Requirement(
        "clients.md rule 6, claude-code#90497, n8n#30733",
        "A client of nobody's that names no resource gets the default of its person's tenant, which they choose where there are several.",
    ),
    "rfc8707:default:a-wish-is-no-membership": Requirement(
        "TN-11", "Naming a tenant in an address makes nobody a member of it."
    ),
    "oauth21:scope:unknown-by-policy": Requirement(
        "clients.md rule 7, mcporter#52, codex#17265",
        "Scopes that a resource does not know are left out, or refused where policy says so.",
    ),
    "oauth21:scope:registration-still-limits": Requirement(
        "OAuth 2.1 §4.1.2.1", "A scope beyond a registration is an error, never replaced by a default."
    ),
    "rfc8707:origin:means-the-one-resource-under-it": Requirement(
        "clients.md rule 6, claude-code#52871, gbrain#5222",
        "An origin alone means the one MCP server under it, which is the audience, and that is recorded.",
    ),
    "rfc8707:origin:must-be-unambiguous": Requirement(
        "clients.md rule 6, TN-11", "An origin with several MCP servers, or with somebody else's, is invalid_target."
    ),
    "rfc8707:origin:can-be-switched-off": Requirement(
        "clients.md rule 6", "Where the switch is off an origin is invalid_target."
    ),
}

INTEROP: dict[str, Requirement] = {
    "interop:conformance:authorization-mode-passes-whole": Requirement(
        "MCP authorization, its conformance suite", "The official suite finds no failure and nothing to warn of."
    ),
    "interop:oauth4webapi:login-and-refresh": Requirement(
        "RFC 9728, RFC 8414, RFC 7636, RFC 9207, RFC 9068",
        "npm oauth4webapi finds the server from the MCP server's address, logs in and refreshes, and verifies each token.",
    ),
    "interop:typescript-sdk:login-and-refresh": Requirement(
        "MCP authorization",
        "Both generations of the official TypeScript SDK find the login, read, and refresh by themselves.",
    ),
    "interop:typescript-sdk:steps-up": Requirement(
        "MCP A27", "The official TypeScript SDK meets the 403, logs in for more, and loses nothing it had."
    ),
    "interop:typescript-sdk:is-widened-on-the-account-page": Requirement(
        "clients.md rule 13",
        "An SDK that only refreshes at a 403 gets further when its person allows more on their page.",
    ),
    "interop:oauth4webapi:exchange": Requirement(
        "RFC 8693", "npm oauth4webapi trades a caller's token as the MCP server that was called."
    ),
    "interop:typescript-sdk:registers-itself": Requirement(
        "RFC 7591, MCP authorization", "The official TypeScript SDK registers itself, logs in, refreshes and steps up."
    ),
    "interop:oauth4webapi:registers-itself": Requirement(
        "RFC 7591", "npm oauth4webapi registers itself, logs in and refreshes."
    ),
    "interop:python-sdk:registers-itself": Requirement(
        "RFC 7591, MCP A21, A27", "The official Python SDK registers itself, logs in and steps up, in both eras."
    ),
    "interop:fastmcp:registers-itself": Requirement(
        "RFC 7591", "FastMCP's helper does the same, and looks before it opens."
    ),
    "interop:fastmcp:recovers-when-its-registration-is-gone": Requirement(
        "clients.md", "FastMCP's helper notices that its registration is gone, and registers again."
    ),
    "interop:oauth4webapi:pushes-its-requests": Requirement(
        "RFC 9126", "npm oauth4webapi pushes its requests and logs in."
    ),
    "interop:oauth4webapi:openid": Requirement(
        "OpenID Connect Core", "npm oauth4webapi accepts our ID tokens and userinfo, with every check it has."
    ),
    "interop:oauth4webapi:machine-with-a-key": Requirement(
        "RFC 7523", "npm oauth4webapi gets a machine's token with a key, by ES256 and EdDSA."
    ),
    "interop:typescript-sdk:machine-with-a-key": Requirement(
        "RFC 7523, MCP client credentials",
        "The official TypeScript SDK's provider calls tools as a machine with a key.",
    ),
    "interop:oauth4webapi:whole-life": Requirement(
        "RFC 7591, RFC 9126, RFC 7636, RFC 7662, RFC 7009",
        "npm oauth4webapi registers, pushes, logs in, refreshes, introspects, revokes, and finds that over is over.",
    ),
    "interop:typescript-sdk:is-known-by-its-document": Requirement(
        "SEP-991", "The official TypeScript SDK is known by its metadata document and registers nothing."
    ),
    "interop:python-sdk:is-known-by-its-document": Requirement(
        "SEP-991", "The official Python SDK is known by its metadata document, in both eras."
    ),
    "interop:fastmcp:is-known-by-its-document": Requirement("SEP-991", "FastMCP's helper is known by its document."),
    "interop:oauth4webapi:is-known-by-its-document": Requirement(
        "draft-ietf-oauth-client-id-metadata-document",
        "A client of npm oauth4webapi is known by its document, and proves itself with the key that stands there.",
    ),
    "interop:authlib:whole-life": Requirement(
        "RFC 6749, RFC 7662, RFC 7009", "authlib's client logs in, refreshes, introspects and revokes."
    ),
    "interop:oauth4webapi:device": Requirement("RFC 8628", "npm oauth4webapi connects a device without a browser."),
    "interop:oauth4webapi:machine": Requirement(
        "RFC 6749 §4.4", "npm oauth4webapi gets a machine's token with the client's own proof."
    ),
}


POLICY: dict[str, Requirement] = {
    "policy:conditions:say-what-they-say": Requirement(
        "C24, enforcement.md §3c.10", "A condition says of a call what its text says, as docs/policy.md has it."
    ),
    "policy:conditions:undecided-is-a-third-answer": Requirement(
        "ours", "A missing argument, another type or an unknown context decides nothing, and neither does its negation."
    ),
    "policy:conditions:errors-name-column-and-cure": Requirement(
        "ours", "A text that is no condition is refused with its column and the cure."
    ),
    "policy:conditions:no-text-and-no-call-raises": Requirement(
        "RS-17", "No text crashes the parser, no call makes a condition raise or run long."
    ),
    "policy:rules:strict-reading": Requirement(
        "ours", "Rules with an unknown member or an impossible value are refused, naming member and cure."
    ),
    "policy:conditions:undecided-is-the-stricter-side": Requirement(
        "ours", "A call about which a condition decides nothing is refused, or a person is asked."
    ),
    "policy:layers:only-tighten": Requirement(
        "decision 18", "No layer allows what was refused without it, for all rules, calls and callers."
    ),
    "policy:observe:never-suspends-what-counts": Requirement(
        "C20, decision 18",
        "Observing reports; it opens no write, and suspends neither scopes nor whether there is such a tool.",
    ),
    "policy:observe:is-reported": Requirement("C20", "What an observed rule would have done is logged."),
    "policy:decision:every-condition-is-an-outcome": Requirement(
        "decision 18", "A decision lists each rule, with its outcome and why."
    ),
    "policy:approval:nobody-asked-is-somebodys-word": Requirement(
        "decision 13, C21",
        "A destructive tool asks, unless whoever made it destructive said otherwise; doctor() reports that.",
    ),
    "policy:version:covers-what-is-effective": Requirement(
        "decision 13",
        "Whatever changes a tool's effective demands, a tenant's overlay too, changes its policy version.",
    ),
    "policy:overlay:a-tenants-own": Requirement(
        "C16", "What a tenant's operators demand concerns that tenant, and is in force whole or not at all."
    ),
    "policy:preset:strict": Requirement("C21", "The preset strict asks about every write and every read of secrets."),
    "policy:code:beside-the-tool": Requirement("design §4", "A tool's policy may stand beside its code."),
    "policy:conditions:see-arguments-and-caller": Requirement(
        "C24", "Conditions see the call's arguments, its caller, tenant and purpose, and the hour."
    ),
    "policy:context:earlier-calls-of-this-authorization": Requirement(
        "C24, C25", "A call can demand an earlier one of the same authorization, within a time, with the same argument."
    ),
    "policy:approval:a-misspelt-argument-is-told": Requirement(
        "ours", "An approval that names an argument which the tool does not take is told to the operator, once."
    ),
    "policy:context:names-tools-there-are": Requirement(
        "ours", "A condition about earlier calls of a tool that is not there stops the start."
    ),
    "policy:context:forbidden-sequence": Requirement(
        "C25", "One call can rule out a later one; a call that was refused counts for nothing."
    ),
    "policy:context:what-was-forgotten-is-not-what-never-was": Requirement(
        "C24", "After a restart, or beyond the bounds of the memory, an earlier call is undecided, not absent."
    ),
    "policy:context:a-batch-knows-nothing-of-before": Requirement(
        "C25, MCP 2025-03-26", "A batch is no way around an order of calls."
    ),
    "policy:context:one-tenant-asks-another-still-knows": Requirement(
        "C24", "What one tenant's operators begin to ask leaves known what another tenant's conditions ask."
    ),
    "policy:context:memory-is-bounded": Requirement("C24", "What is remembered is bounded, whoever calls how often."),
    "policy:denied:as-if-it-were-not-there": Requirement(
        "decision 11, K14",
        "A denied tool, or another application's, answers as one that nobody knows, and is not listed.",
    ),
    "policy:overlay:in-force-with-the-next-call": Requirement(
        "C16", "What a tenant's operators demand holds from the next call on."
    ),
    "policy:file:errors-name-line-and-cure": Requirement(
        "ours", "A policy file that cannot be kept stops the start, by file, line and cure; no text does more."
    ),
    "policy:file:tightens-the-code": Requirement(
        "decision 19",
        "A policy file tightens the tools of the code, or names them itself; a name it gets wrong stops the start.",
    ),
    "policy:docs:examples-are-true": Requirement("ours", "What docs/policy.md shows is what is read."),
    "policy:rules:round-trip": Requirement("ours", "Rules say the same after they have travelled as JSON."),
}

OPT_IN: dict[str, Requirement] = {
    "opt-in:purpose:is-chosen-where-it-is-offered": Requirement(
        "ours (C24)", "Where a server offers purposes its person must choose one at consent, on a device's page too."
    ),
    "opt-in:purpose:goes-with-the-authorization": Requirement(
        "ours (C24)",
        "The chosen purpose stands in every token of that login, in introspection and on /account, and in nobody else's.",
    ),
    "opt-in:purpose:means-nothing-elsewhere": Requirement(
        "ours (C24), RFC 8693", "A token that was traded for another server carries no purpose."
    ),
    "opt-in:overlay:servers-hear-of-their-own-tenants": Requirement(
        "decision 22, ours",
        "GET /rs/policy tells an MCP server what its tenants demand of its tools, and nothing of another server's or tenant's.",
    ),
    "opt-in:overlay:only-servers-ask": Requirement(
        "RFC 6749 §2.3, RFC 7523", "Nobody hears it without the credential of an MCP server, by secret or by key."
    ),
    "opt-in:overlay:acts-without-a-deploy": Requirement(
        "decision 18", "What an operator changes is told with the next question, in every process; unchanged is a 304."
    ),
    "opt-in:overlay:what-nobody-could-keep-is-refused": Requirement(
        "ours", "Rules are read before they are stored; of two operators who change one tool at once, one looks again."
    ),
    "opt-in:list:hidden-tools-are-not-offered": Requirement(
        "decision 11, K14",
        "A tool outside the allow-list is not on the consent page and cannot be granted, by whatever a form or a request says.",
    ),
    "opt-in:list:offered-tools-are-named-boxes": Requirement(
        "decision 11", "A tool inside the allow-list that was not chosen is offered by name when it is asked for."
    ),
    "opt-in:matrix:no-client-loops": Requirement(
        "decision 11, clients.md",
        "Each client of the catalogue ends in success or a clear refusal within two rounds, whatever the tool's state is.",
    ),
    "opt-in:guard:hidden-tools-answer-as-unknown-ones": Requirement(
        "decision 11, K14, RS-16",
        "Unknown, denied, not on the list, above the ceiling, another tenant's: equal bytes, in both protocol versions.",
    ),
    "opt-in:guard:three-states-of-a-tool": Requirement(
        "decision 11, K13, MCP Runtime Insufficient Scope Errors",
        "Outside the list: unknown. Inside and not chosen: 403 with every missing scope. Chosen: allowed.",
    ),
    "opt-in:guard:lists-are-the-callers-own": Requirement(
        "decision 11, MCP 2026-07-28 caching",
        "A list of tools holds what exists for this caller, and says that nobody may keep it for another.",
    ),
    "opt-in:guard:operators-act-within-seconds": Requirement(
        "decision 18", "What an operator changes at the real server holds at the guard after its next question."
    ),
    "opt-in:guard:follows-what-operators-demand": Requirement(
        "decision 18, K14",
        "A guard asks for operators' demands at its first need and every two seconds, and swaps them whole.",
    ),
    "opt-in:guard:never-told-decides-nothing": Requirement(
        "decision 19",
        "A guard with a credential that never learned its operators' demands refuses calls, and says when to come back.",
    ),
    "opt-in:guard:known-but-old-counts": Requirement(
        "decision 18", "An issuer that is silent takes no tool away and gives none back; the report says how old it is."
    ),
    "opt-in:guard:a-tenant-that-is-not-named-has-no-tools": Requirement(
        "decision 22",
        "A tenant that the server is not heard for has no tool there, and cannot make it ask for each call.",
    ),
    "opt-in:cli:operators-change-tools-without-a-deploy": Requirement(
        "decision 18, ours",
        "`authserver tool` denies, lists, asks, conditions and caps a tenant's tools, and shows what holds and who changed it.",
    ),
    "opt-in:cli:says-what-is-wrong": Requirement(
        "ours", "A wrong `authserver tool` command names the option and the cure, and changes nothing."
    ),
    "opt-in:page:says-what-a-scope-lets-which-tools-do": Requirement(
        "decision 11, ours",
        "The consent page names, under each scope, the tools that it lets be used today, and says which cannot be undone.",
    ),
    "opt-in:choice:is-nobody-elses": Requirement(
        "decision 11, AP-01",
        "No choice passes to another user of the same client, to another tenant, or to another MCP server.",
    ),
    "opt-in:choice:a-later-tool-is-not-inherited": Requirement(
        "decision 11",
        "A write tool that appears later, and one that becomes a write, are not in what was allowed before.",
    ),
    "opt-in:list:taken-off-is-gone": Requirement(
        "decision 11",
        "A tool taken off the list ends at the next refresh and the next introspection, for people, machines and API keys.",
    ),
    "opt-in:list:hiding-never-widens": Requirement(
        "decision 19", "Hiding tools never gives an application more scopes than it had."
    ),
    "opt-in:purpose:operators-set-it": Requirement("ours (C24)", "Operators say a server's purposes in words."),
}

APPROVALS: dict[str, Requirement] = {
    "approvals:life:asked-approved-run-done": Requirement(
        "AP-01, decision 13", "A call waits, is approved, runs once; the next identical one asks again."
    ),
    "approvals:life:every-step-is-recorded": Requirement(
        "decision 15", "Every step of an approval is an event that names what was shown."
    ),
    "approvals:life:a-no-holds-until-its-time-is-over": Requirement(
        "decision 13", "A no holds at once and for identical calls until its time is over."
    ),
    "approvals:life:expired-is-told-once": Requirement(
        "decision 13", "That nobody decided is told once; then the call is asked for anew."
    ),
    "approvals:time:a-job-changes-nothing-that-is-told": Requirement(
        "AP-07, ours", "No timer decides: what housekeeping writes was true before."
    ),
    "approvals:outcome:undelivered-is-told-once-more": Requirement(
        "AP-15, decision 13", "An outcome that was not delivered is told once more, for ten minutes."
    ),
    "approvals:outcome:a-call-under-way-gets-it": Requirement(
        "decision 13", "A call that was under way before an outcome came gets that outcome, and opens no second prompt."
    ),
    "approvals:outcome:is-erased": Requirement(
        "ours (C38)", "Outcomes are erased after ten minutes, rows after ninety days."
    ),
    "approvals:lease:lapsed-is-ambiguous": Requirement(
        "AP-15, decision 13", "A run whose server is gone never runs again; it is ambiguous until a person clears it."
    ),
    "approvals:lease:late-truth-is-truth": Requirement(
        "decision 13", "An outcome that comes after the lease lapsed ends the ambiguity."
    ),
    "approvals:lease:is-held-by-its-run": Requirement(
        "decision 13", "A run renews its lease; another run of the same call does not begin."
    ),
    "approvals:lease:a-second-leg-is-the-same-yes": Requirement(
        "MCP 2026-07-28", "The next leg of an approved call begins once, under the same yes."
    ),
    "approvals:wait:returns-on-a-change": Requirement(
        "design §4", "A question that waits returns on a change of state."
    ),
    "approvals:restart:everything-stays": Requirement("issue", "After a restart every approval is as it was."),
    "approvals:rest:arguments-and-outcomes-are-sealed": Requirement(
        "decision 15", "Arguments and outcomes are sealed at rest; what the policy hides is nowhere."
    ),
    "approvals:server:proves-itself-by-a-key": Requirement(
        "RFC 7523 §2.2", "An MCP server with a key asks by an assertion, each good for one request."
    ),
    "approvals:differs:an-unspent-yes-is-for-another-call": Requirement(
        "AP-03", "A changed call is told that the yes there is was for another."
    ),
    "approvals:shown:every-argument-and-the-authors-sentence": Requirement(
        "AP-10, enforcement 3c.5", "Every argument is shown, and a value never passes for the author's words."
    ),
    "approvals:shown:hidden-is-hidden-everywhere": Requirement(
        "enforcement 3c.5", "What the policy hides is shown as a place and a length, in the sentence too."
    ),
    "approvals:habits:rubber-stamps-are-seen": Requirement(
        "enforcement 3c.10", "Operators see who says yes to everything in a moment."
    ),
    "approvals:grants:a-counted-yes-covers-and-is-spent": Requirement(
        "RFC 9396, issue",
        "A counted yes covers a call that it was given for; each run claims one use in the same commit.",
    ),
    "oauth21:client-credentials:approval-only-tools-wait-for-an-approver": Requirement(
        "CC-03, OAuth 2.1 §1.4.1",
        "A machine's call of a tool that needs a yes waits for an approver, and never runs without one.",
    ),
    "attack:approvals:one-of-parallel-consumes": Requirement("AP-02", "Of two hundred parallel runs one may begin."),
    "attack:approvals:one-between-processes": Requirement(
        "AP-02, issue", "Of two hundred parallel runs at two processes one may begin, on both databases."
    ),
    "attack:approvals:one-prompt-for-parallel-calls": Requirement(
        "AP-02, decision 13", "A hundred identical calls at once open one question."
    ),
    "attack:approvals:no-interleaving-runs-twice": Requirement(
        "AP-02, AP-15", "No order of two servers' steps, lapses and retries begins one approved call twice."
    ),
    "attack:approvals:a-changed-call-is-refused": Requirement(
        "AP-03", "A changed call does not run by another's yes, and burns nothing."
    ),
    "attack:approvals:hash-is-of-the-arguments": Requirement(
        "AP-03", "The server hashes the arguments itself and refuses a call that was misreported."
    ),
    "attack:approvals:the-tenants-rule-counts": Requirement(
        "decision 18, AP-05",
        "Whatever rule an MCP server sends, people are asked by one at least as strict as the tenant's.",
    ),
    "attack:approvals:as-grave-as-the-directory-knows": Requirement(
        "decision 11, AP-10",
        "No tool is shown as milder than we know it, and none is asked about that the tenant took away.",
    ),
    "attack:approvals:what-is-shown-is-bounded": Requirement(
        "AP-10, CWE-409", "A small call that would take megabytes to read is refused."
    ),
    "attack:approvals:at-its-tenants-issuer-alone": Requirement(
        "decisions 6 and 22", "An approval is told, renewed and finished at the issuer of its tenant alone."
    ),
    "attack:approvals:who-waits-is-still-heard": Requirement(
        "decision 14, AP-11", "An MCP server that is shut out while it waits for an answer is told nothing."
    ),
    "attack:approvals:an-end-in-every-state": Requirement(
        "decisions 13 and 14, AZ-51",
        "Whatever state a call is in: once what it stood on has ended, nothing more comes of it.",
    ),
    "attack:approvals:nothing-of-a-call-at-rest": Requirement(
        "decision 15, C09", "No argument, word, reason or outcome of a call stands in any byte of the database."
    ),
    "attack:approvals:a-grant-ends-with-who-gave-it": Requirement(
        "AP-05, decision 4",
        "A call covered by an approver's grant does not begin once they could not give it any more.",
    ),
    "attack:approvals:a-new-password-takes-the-yes-back": Requirement(
        "decision 14, AP-05", "An unspent yes that was said with an old password counts no more."
    ),
    "attack:approvals:a-run-is-of-one-call": Requirement(
        "AP-03", "A run holds its lease for the call that it began, and for no other."
    ),
    "attack:approvals:bodies-mean-one-thing": Requirement("AP-03, RFC 8259 §4", "A body that is ambiguous is refused."),
    "attack:approvals:another-callers-yes": Requirement(
        "decision 13", "Another person, application, session or acting server cannot use a yes."
    ),
    "attack:approvals:clocks": Requirement("AP-07", "Late is late, and a clock that is set back brings nothing back."),
    "attack:approvals:what-has-ended-does-not-run": Requirement(
        "decision 13, decision 14", "An approved call does not run once anything it stood on has ended."
    ),
    "attack:approvals:what-has-ended-is-in-no-inbox": Requirement(
        "issue", "Nobody is asked about a call that could not run."
    ),
    "attack:approvals:an-end-and-a-use-cannot-pass": Requirement(
        "AP-02, decision 14", "After an end was answered nothing begins."
    ),
    "attack:approvals:a-token-that-lost-the-tool": Requirement(
        "decision 11", "A token without the tool's own scope asks for nothing."
    ),
    "attack:approvals:only-its-run-tells": Requirement("AP-15", "Only the run that was let in tells what came of it."),
    "attack:approvals:servers-with-a-credential-alone": Requirement(
        "RFC 6749 §2.3", "Only an MCP server with its credential is answered."
    ),
    "attack:approvals:assigned-people-alone": Requirement(
        "AP-11, CVE-2026-45337", "Only who is meant decides: the person, or who holds the role in that tenant now."
    ),
    "attack:approvals:four-eyes": Requirement(
        "AP-05", "Under four eyes the requester is none of them, not as somebody new either."
    ),
    "attack:approvals:distinct-people": Requirement(
        "AP-05, AP-02", "Two yeses are two people, one by one and at once."
    ),
    "attack:approvals:no-wins-at-once": Requirement("decision 13", "One no is enough and comes at once."),
    "attack:approvals:a-yes-ends-with-who-gave-it": Requirement(
        "ours, fail closed", "A yes counts while whoever gave it could still give it."
    ),
    "attack:approvals:fresh-and-strong-login": Requirement(
        "RFC 9470", "A yes takes the login the rule demands; a no takes none."
    ),
    "attack:approvals:a-login-before-the-new-password": Requirement(
        "decision 14", "A login that a new password ended decides nothing."
    ),
    "attack:approvals:for-what-was-shown": Requirement("AP-10", "A yes is for what was on the page."),
    "attack:approvals:deny-and-stop": Requirement(
        "enforcement 3c.5", "Deny and stop ends every session of that application for that person, and no other."
    ),
    "attack:approvals:ids-tell-nothing": Requirement("AP-11", "What is not one's own is told in the same bytes."),
    "attack:approvals:callers-of-another-server": Requirement(
        "AP-11", "A token that is not for this server is told in the same bytes as garbage."
    ),
    "attack:approvals:floods": Requirement("AP-12", "One authorization cannot ask a person all day, nor all at once."),
}

APPROVAL_PAGES: dict[str, Requirement] = {
    "attack:approval-page:only-a-form-of-ours-decides": Requirement(
        "AP-04, AP-09",
        "No link, prefetch, frame, other site, other session or other call's form decides; only the form that showed this.",
    ),
    "attack:approval-page:nobody-else-learns-that-it-exists": Requirement(
        "AP-11, CVE-2026-45337",
        "Whoever a call is not for is told what an unknown id is told, in the same bytes; a lost role takes its yes along.",
    ),
    "attack:approval-page:races-have-one-outcome": Requirement(
        "AP-02", "A yes and a no at once have one outcome, and both who gave them read which."
    ),
    "browser:approval:whole-flow": Requirement(
        "Design §4, WCAG 2.2 §2.1.1",
        "In a real browser, with and without script: the call waits, is read, allowed once and seen done; the inbox finds it.",
    ),
    "approvals:page:shows-exactly-what-is-hashed": Requirement(
        "AP-10, RFC 9396 §11, decision 13",
        "Whatever arguments are hashed can be read back from the page, character by character; what is cut stands there whole.",
    ),
    "approvals:page:a-yes-on-the-page-runs-once": Requirement(
        "Decision 13, C21", "A link leads through the login to the call; Allow once lets exactly it run, once."
    ),
    "approvals:page:says-all-of-it": Requirement(
        "C21",
        "The page says what would happen, with which values, who asks through what in whose name, and until when.",
    ),
    "approvals:page:says-what-differs": Requirement(
        "C21",
        "What differs from the last call that ran stands there old and new; so does that nothing does, or that none ran.",
    ),
    "approvals:page:a-fresh-login-where-the-rule-says-so": Requirement(
        "RFC 9470",
        "A yes needs a login as fresh and as strong as the rule says; the page leads through it and back. A no does not.",
    ),
    "approvals:page:four-eyes": Requirement(
        "AP-05, decision 13",
        "Whoever a call runs for sees it and may end it; where the rule excludes them, they cannot allow it.",
    ),
    "approvals:page:two-people": Requirement(
        "Decision 13", "Two have to agree, each knowing of the other; one no is enough, from whatever page."
    ),
    "approvals:page:deny-and-stop-ends-the-application": Requirement(
        "C21", "Deny and stop: the application's refresh is refused after it, and nothing else of it can be allowed."
    ),
    "approvals:page:a-person-clears-what-nobody-knows": Requirement(
        "AP-15, decision 13",
        "A call whose end nobody knows is cleared by a person, either way, and only then asked for anew.",
    ),
    "approvals:page:is-never-a-dead-end": Requirement(
        "AP-07",
        "A page that is out of date decides nothing, shows how things are now and says so; sent twice is decided once.",
    ),
    "approvals:page:looks-again-by-itself": Requirement(
        "WCAG 2.2 §2.2.2",
        "A page without a decision looks again while something may change, for half an hour, until told not to.",
    ),
    "approvals:page:the-first-look-is-noted": Requirement(
        "C21", "When somebody who decides first saw a call is noted, once."
    ),
    "approvals:page:of-a-machine": Requirement(
        "AP-11, contract",
        "A call of an application by itself is for approvers alone, and its page says that nobody stands behind it.",
    ),
    "approvals:inbox:shows-what-waits-for-me": Requirement(
        "AP-11, C21",
        "The inbox shows what waits for this person and nobody else's, what ends first first, in all their tenants.",
    ),
    "approvals:inbox:many-look-like-many": Requirement(
        "AP-12", "Calls of one application and tool stand together and are counted; a flood buries nothing."
    ),
    "approvals:inbox:empty-says-so": Requirement(
        "ours", "An empty inbox says what would stand there; what was decided lately is for those whom it concerns."
    ),
    "approvals:inbox:account-says-how-many-wait": Requirement(
        "ours", "The account page says how many calls wait, and leads there."
    ),
    "approvals:page:a-value-is-visibly-a-value": Requirement(
        "AP-10, UTS 39", "No value, name or hidden character of a call can pass for our words, or for another value."
    ),
}

DELIVERY: dict[str, Requirement] = {
    "attack:approved-calls:one-execution-at-two-guard-processes": Requirement(
        "AP-02", "Of two hundred parallel retries at two guard processes one runs, and nobody is asked twice."
    ),
    "attack:approved-calls:killed-while-it-runs": Requirement(
        "AP-15",
        "A guard that is killed between consumption and answer leaves a call that reads ambiguous and never runs again by itself.",
    ),
    "delivery:outcome:what-is-hidden-is-not-kept": Requirement(
        "issue, C38", "What an author hides of the arguments is not in the outcome that the issuer keeps."
    ),
    "delivery:clients:sdk-opens-the-page": Requirement(
        "MCP 2026-07-28 Elicitation",
        "The official SDK client with a URL callback opens one page and its call runs once.",
    ),
    "delivery:clients:sdk-hears-a-no": Requirement(
        "MCP 2026-07-28 Elicitation", "The official SDK client hears a no, or a page nobody opened, once and typed."
    ),
    "delivery:clients:sdk-without-elicitation": Requirement(
        "decision 13",
        "The official SDK client without elicitation is told in words, and the identical call runs after the yes.",
    ),
    "delivery:clients:sdk-in-a-session": Requirement(
        "MCP 2025-11-25 Elicitation", "The official SDK client in a session that declared URL elicitation gets -32042."
    ),
    "delivery:clients:fastmcp": Requirement(
        "decision 13", "FastMCP's client is told in words in either era, and the identical call runs after the yes."
    ),
    "delivery:clients:long-poll-of-a-person": Requirement(
        "ours", "A client whose person reads for a moment meets the yes by its own retry."
    ),
    "delivery:agreement:one-yes-one-run": Requirement(
        "decision 13, AP-01, AP-03", "Guard and server run an approved call once, and ask again for the next."
    ),
    "delivery:agreement:refusals-are-typed": Requirement(
        "decision 13", "Denied calls and other logins are refused in their own words by guard and server together."
    ),
    "delivery:agreement:four-eyes": Requirement(
        "AP-05", "Under four eyes the yes of the person it runs for lets nothing run at the guard."
    ),
    "delivery:agreement:lost-answer": Requirement("AP-15", "A lost answer is told once more, and then asked anew."),
    "delivery:agreement:ends-with-the-login": Requirement("decision 13", "A login that ended spends no yes."),
    "delivery:agreement:legs": Requirement(
        "MCP 2026-07-28 MRTR", "A further leg of an approved call begins once, at whichever guard."
    ),
    "delivery:agreement:two-hundred-retries": Requirement(
        "AP-02", "Of two hundred parallel retries at two guards one runs, on both databases, and nobody is asked twice."
    ),
    "delivery:approval:asked-and-run-once": Requirement(
        "decision 13, AP-01", "A call that waits runs once after a yes, and the next identical one asks again."
    ),
    "delivery:arguments:exactly-what-was-approved": Requirement(
        "decision 13, AP-03",
        "Changed arguments do not run and burn nothing; the same by RFC 8785 run, as they were read.",
    ),
    "delivery:arguments:unusable-ones-are-refused-with-words": Requirement(
        "RFC 8785 §3.1, decision 13",
        "Arguments that programs read differently, or that nobody can judge, are refused before a person is asked.",
    ),
    "delivery:principal:somebody-elses-yes-is-none": Requirement(
        "decision 13, AP-03", "Another person, tenant, application or login asks for itself."
    ),
    "delivery:definition:a-changed-tool-asks-again": Requirement(
        "decision 13", "A yes is for the tool as the server describes it at that moment."
    ),
    "delivery:definition:unreadable-list-fails-closed": Requirement(
        "ours", "A server whose own list of tools cannot be read runs nothing that waits for a yes."
    ),
    "delivery:race:one-execution-in-a-process": Requirement(
        "AP-02", "Identical calls of one process run once, and all of them hear that outcome."
    ),
    "delivery:race:one-execution-between-processes": Requirement(
        "AP-02",
        "Two guards run an approved call once; the other one's callers hear the same, and nobody is asked twice.",
    ),
    "delivery:hang-up:runs-on-and-is-told-once": Requirement(
        "AP-15", "A caller who hangs up stops nothing; the outcome is told once more, marked as told again."
    ),
    "delivery:stream:progress-is-not-held": Requirement(
        "decision 17", "Progress passes at once; the last message waits until the issuer has heard the outcome."
    ),
    "delivery:crash:outcome-is-an-error": Requirement(
        "AP-15", "A server that crashes has an outcome that says so, without its inside."
    ),
    "delivery:issuer:away-at-the-outcome": Requirement(
        "decision 13", "An answer leaves though the issuer is away, and the outcome is told as soon as it is back."
    ),
    "delivery:issuer:nothing-runs-without-it": Requirement(
        "decision 14", "Nothing that waits for a yes runs while the issuer cannot be asked."
    ),
    "delivery:token:ended-at-the-issuer": Requirement(
        "decision 10", "A token that ended at the issuer spends no yes, and hears the one 401."
    ),
    "delivery:words:each-state-has-its-own": Requirement(
        "decision 13", "Denied, expired and ambiguous are told apart, and nothing runs."
    ),
    "delivery:batch:alone-please": Requirement(
        "MCP 2025-03-26 Batching", "A call that waits for a yes runs in no batch, and the batch does not run at all."
    ),
    "delivery:doctor:who-waits-for-whom": Requirement(
        "decision 18", "doctor() says whether people can be asked, and whose yes each tool waits for."
    ),
    "delivery:lease:renewed-while-it-runs": Requirement(
        "decision 13, AP-15", "A run keeps its lease while it lives, however long it takes."
    ),
    "delivery:url-elicitation:2026-07-28": Requirement(
        "MCP 2026-07-28 Elicitation",
        "A client that declared URL elicitation is asked by input_required, and its retry runs once.",
    ),
    "delivery:url-elicitation:accept-is-no-yes": Requirement(
        "MCP 2026-07-28 Elicitation", "`accept` means that a page was opened: it approves nothing, and does not loop."
    ),
    "delivery:url-elicitation:declined": Requirement(
        "MCP 2026-07-28 Elicitation",
        "A person who does not open the page is not asked in a loop, and may still decide.",
    ),
    "delivery:form:is-never-an-approval": Requirement(
        "decision 13, MCP elicitation", "No form answer, and no client without URL elicitation, approves anything."
    ),
    "delivery:url-required:2025-11-25": Requirement(
        "MCP 2025-11-25 Elicitation", "A session that declared URL elicitation gets -32042 with the page."
    ),
    "delivery:url-required:nobody-else": Requirement(
        "decision 17", "-32042 goes to nobody who did not declare it, and to no other revision."
    ),
    "delivery:state:bound-to-its-call": Requirement(
        "MCP 2026-07-28 MRTR, AP-03",
        "What a client carries for us counts for its caller and its call alone; a mismatch burns nothing.",
    ),
    "delivery:state:hostile": Requirement(
        "MCP 2026-07-28 MRTR", "A forged, foreign or old requestState counts as none."
    ),
    "delivery:legs:one-yes-each-leg-once": Requirement(
        "MCP 2026-07-28 MRTR, decision 13",
        "A tool that asks for more goes on under the same yes, and each leg begins once.",
    ),
    "delivery:policy:judged-again-before-it-begins": Requirement(
        "decision 18, C25",
        "What became true while a call waited, of its policy or of earlier calls, holds before it begins.",
    ),
    "delivery:definition:of-the-caller-alone": Requirement(
        "ours", "What one caller has the server list neither spoils another's yes nor changes what their page says."
    ),
    "delivery:issuer:a-lost-beginning-is-asked-again": Requirement(
        "AP-15", "A consumption whose answer is lost is asked again by the same run, and begins once."
    ),
    "delivery:flood:leaves-room-for-what-runs": Requirement(
        "AP-12", "A flood of calls that wait for a yes lets no lease of a running one lapse."
    ),
    "delivery:credential:unreadable-for-a-moment": Requirement(
        "AP-15, ours", "A secret that cannot be read for a moment lets nothing begin, and no outcome is lost."
    ),
    "delivery:approval:an-id-that-comes-back": Requirement(
        "JSON-RPC 2.0 §4, AP-15", "A call whose id servers may repeat otherwise is refused before anybody is asked."
    ),
    "delivery:challenge-style:in-the-result": Requirement(
        "clients.md, ChatGPT",
        "A missing scope is said in the result for clients that look there, and as HTTP 403 for all others.",
    ),
}

DETAILS: dict[str, Requirement] = {
    "call-grants:spend:exactly-so-many": Requirement(
        "AP-02, decision 13", "Of fifty parallel uses at two processes exactly the allowed number is covered."
    ),
    "call-grants:spend:only-what-it-is-for": Requirement(
        "AP-01, AP-03, decision 13",
        "Another tenant, person, client, authorization, resource, tool, definition or argument spends nothing of it.",
    ),
    "call-grants:spend:ends-with-everything-it-hangs-on": Requirement(
        "ours", "Ending the grant, its authorization, consent, client, person, tenant or resource ends it at once."
    ),
    "call-grants:condition:types-do-not-pass": Requirement(
        "AP-03, C24",
        "A condition covers what it says of the arguments as they are: no other type, no missing one, no doubt.",
    ),
    "rfc9396:request:what-is-asked-is-granted": Requirement(
        "RFC 9396 §2, §7",
        "A detail that the person ticks is granted, told in the token response, and spent as it says.",
    ),
    "rfc9396:request:only-what-a-person-ticks": Requirement(
        "RFC 9396 §12, decision 11",
        "No detail comes ticked, none is granted unticked, and none beyond what the person may.",
    ),
    "rfc9396:request:refused-by-name": Requirement(
        "RFC 9396 §5",
        "What is unknown, foreign, too much or unreadable is invalid_authorization_details, with the cure.",
    ),
    "rfc9396:request:pushed": Requirement(
        "RFC 9396 §3, RFC 9126 §4",
        "Details are pushed like anything else; what stands beside the reference is nothing.",
    ),
    "rfc9396:request:words": Requirement(
        "RFC 9396 §12, AP-10", "The page says each call in words: how often, how long, every value, and nothing unseen."
    ),
    "rfc9396:token:claim": Requirement("RFC 9396 §9.1", "A token says what calls it stands for and stays under 2 KB."),
    "rfc9396:token:introspection": Requirement(
        "RFC 9396 §9.2", "Introspection tells the details as the rows have them now."
    ),
    "rfc9396:token-request:fewer-never-more": Requirement(
        "RFC 9396 §6", "At the token endpoint a client may name fewer details than it has, and never one more."
    ),
    "rfc9396:metadata": Requirement("RFC 9396 §10", "The metadata names the types that are understood."),
    "account:call-grants:shown-and-ended": Requirement(
        "RFC 9396 §12", "The account page says in words which calls need no asking, and ends each at once."
    ),
    "rfc9470:step-up:end-to-end": Requirement(
        "RFC 9470 §3, §4, §5",
        "A client that follows the guard's challenge logs its person in again, and its call runs.",
    ),
    "rfc9470:acr-values:what-cannot-be-met-is-said": Requirement(
        "RFC 9470 §5, §7",
        "A strength that no login here has is unmet_authentication_requirements; the metadata names those.",
    ),
    "call-grants:guard:honoured-once": Requirement(
        "RFC 9396 §2, decision 13", "A call allowed beforehand runs without another question, as often as was allowed."
    ),
    "approvals:several:bounded-and-exact": Requirement(
        "decision 13, RFC 9396",
        "A yes may be for so many more calls, the same or under the author's condition; never always.",
    ),
    "approvals:several:only-whose-yes-is-enough": Requirement(
        "AP-05", "Several calls are offered only to whoever's yes alone is enough for each of them."
    ),
    "call-grants:rule:a-stopped-approver-takes-theirs-back": Requirement(
        "decisions 13, 14; RV-13",
        "what is left of a yes to several calls ends with the approver who gave it, and stays ended when they are revived",
    ),
    "call-grants:rule:who-gave-it-counts": Requirement(
        "AP-05", "What an approver must allow is covered by an approver's grant alone, while they are one."
    ),
}

NOTICES: dict[str, Requirement] = {
    "notices:notice:in-the-callers-commit": Requirement(
        "C17, decision 15", "A notice exists exactly when what it tells of has happened."
    ),
    "notices:notice:forgotten-after-a-week": Requirement("ours", "What was told is forgotten after a week."),
    "notices:webhook:told-of-what-waits": Requirement(
        "Standard Webhooks 1.0",
        "Every webhook that listens is told what waits for a yes in its tenant, and what was decided.",
    ),
    "notices:webhook:says-no-more-than-needed": Requirement(
        "ours", "A signed call holds ids, states and times; no argument, no name, no address of a person."
    ),
    "notices:webhook:secrets-overlap": Requirement(
        "Standard Webhooks 1.0", "While a secret rotates, the old and the new one sign."
    ),
    "notices:webhook:disabled-after-days": Requirement(
        "Standard Webhooks 1.0",
        "A webhook that fails for days, or says that it is gone, is disabled, and operators are told.",
    ),
    "notices:delivery:tries-again-for-a-day": Requirement(
        "Standard Webhooks 1.0",
        "What was not taken is tried again under the same id, at growing intervals, and given up after a day: recorded, shown.",
    ),
    "notices:delivery:one-claim-one-try": Requirement(
        "decision 4", "Several processes deliver each notice once per claim."
    ),
    "notices:delivery:survives-a-restart": Requirement(
        "ours", "What a process was telling when it died is told by another, under the same id."
    ),
    "notices:delivery:slow-delays-nobody": Requirement(
        "ours", "A receiver that does not answer delays nobody else, and is told one thing at a time."
    ),
    "notices:webhook:forged-replayed-unsigned-refused": Requirement(
        "AP-17, Standard Webhooks 1.0",
        "By the published check alone, a forged, changed, replayed, late or unsigned call, or one for another receiver, is refused.",
    ),
    "notices:webhook:speaks-to-nobody-of-ours": Requirement(
        "CWE-918, AP-17", "A webhook leads to public https addresses alone, now and later, and follows no redirect."
    ),
    "notices:webhook:secret-stays-secret": Requirement(
        "ours",
        "Neither the secret nor the address of a webhook stands in a row, a log or the record in clear; both are rewrapped.",
    ),
    "notices:delivery:between-processes": Requirement(
        "decision 4", "Two server processes on one database deliver each notice once."
    ),
    "notices:mail:says-what-waits": Requirement(
        "C17",
        "Who may say yes gets a plain mail: tool, application, organisation, time left, page; no argument, nothing that decides.",
    ),
    "notices:mail:reaches-who-may-decide": Requirement(
        "decision 13",
        "Mail goes to the person, or to everybody who holds the role when it is sent, never to who is excluded.",
    ),
    "notices:mail:grouped": Requirement(
        "AP-12", "A person gets at most one mail a minute, about everything that waits."
    ),
    "notices:mail:withdrawn": Requirement("ours", "What was decided or has lapsed is not mailed about any more."),
    "notices:mail:nothing-to-inject": Requirement(
        "CWE-93, AP-10", "No name or address can add a header, a recipient, a line or a link to a mail."
    ),
    "notices:mail:over-tls": Requirement(
        "RFC 8314, RFC 3207", "Mail and its credentials leave over verified TLS, or for this machine, or not at all."
    ),
    "notices:mail:tries-again": Requirement(
        "RFC 5321 §4.5.4", "A mail that was not taken is tried again, a refused person is not."
    ),
    "cli:webhook:add-list-show-test-set-rotate-disable-remove": Requirement(
        "Design §4", "`authserver webhook` keeps where a tenant is told; a secret is shown once, by add and rotate."
    ),
    "cli:webhook:says-what-is-wrong": Requirement(
        "ours", "A wrong webhook is refused with the cure; one that does not answer is named by `check` and by `show`."
    ),
    "cli:approvals:a-value-is-visibly-a-value": Requirement(
        "AP-10, CWE-117", "On the command line too no value passes for the author's words, or for a hidden one."
    ),
    "cli:approvals:list-and-show": Requirement(
        "Design §4",
        "`authserver approvals list|show` tell what waits, for whom and until when; what is hidden stays hidden.",
    ),
    "cli:approvals:follow": Requirement(
        "ours", "`approvals list --follow` says each change as it happens, until Ctrl-C."
    ),
    "cli:approvals:deny": Requirement(
        "Design §4", "An operator denies what waits and takes an unspent yes back; the reason is kept sealed."
    ),
    "cli:approvals:a-yes-is-a-persons": Requirement(
        "AP-05, AP-11, decision 13",
        "On the command line a yes needs a person's password, at the price of the login page and by the rules of the approval page.",
    ),
    "cli:approvals:stats": Requirement(
        "enforcement.md §3c.9",
        "Operators see per approver and tool how often and how fast a yes comes, and who is flagged.",
    ),
    "docs:operating:approvals-commands-run": Requirement(
        "ours",
        "The commands of the guide's section on approvals run as they stand, and its check of a signature checks.",
    ),
    "notices:delivery:ends-with-its-receiver": Requirement(
        "ours", "What waits for a removed or disabled webhook, or in a suspended tenant, is told to nobody."
    ),
}

CALL_HASHES: dict[str, Requirement] = {
    "attack:call-hash:one-call-one-hash": Requirement(
        "AP-03, RFC 8785", "One call has one hash, however its arguments are written, at the guard and at the issuer."
    ),
    "attack:call-hash:two-calls-two-hashes": Requirement(
        "AP-03, RFC 8785", "No other arguments have that hash: not another type, order of a list, letter or absence."
    ),
    "attack:call-hash:what-has-two-readings-is-refused": Requirement(
        "AP-03, decision 13",
        "Arguments that two readers could take for two calls have no hash, and nobody is asked about them.",
    ),
    "attack:call-hash:agrees-with-an-oracle": Requirement(
        "AP-03, RFC 8785 §3.2", "The hash is that of the canonical form which an independent canonicaliser writes."
    ),
}

JOURNEYS: dict[str, Requirement] = {
    "guard:decision:is-remembered-where-nothing-can-change-it": Requirement(
        "ours (decision 18)",
        "A decision is given again only where neither time, arguments nor earlier calls could change it, and is then the same.",
    ),
    "agreement:approvals:the-sdk-opens-the-page-by-itself": Requirement(
        "issue, MCP 2026-07-28 Elicitation",
        "The official SDK opens the page by URL elicitation, a person says yes there, and its retry runs once.",
    ),
    "agreement:approvals:the-older-era-opens-the-page": Requirement(
        "issue, MCP 2025-11-25 Elicitation",
        "In a session of 2025-11-25 the page travels in -32042, and the retry runs once.",
    ),
    "agreement:approvals:a-client-without-elicitation-is-told-in-the-result": Requirement(
        "issue, decision 13", "A client that declares nothing gets the page's address in a typed result, in both eras."
    ),
    "agreement:approvals:fastmcps-client": Requirement(
        "issue", "FastMCP's client waits for the yes, whatever it declares, in both eras, and one yes runs one call."
    ),
    "agreement:approvals:a-yes-is-for-one-call-alone": Requirement(
        "issue, AP-02",
        "A changed amount is refused and names what differs; the yes still runs the call it was given for.",
    ),
    "agreement:approvals:nobody-else-decides": Requirement(
        "issue, AP-01, AP-05",
        "Another organisation, a colleague and an unknown id are one page, and one person's yes is not another's.",
    ),
    "agreement:approvals:a-no-is-final": Requirement(
        "issue", "A no is a typed refusal, and the same call asks nobody again."
    ),
    "agreement:approvals:four-eyes-and-machines-wait-for-an-approver": Requirement(
        "issue, design §4",
        "A call under four eyes, and one of a machine, waits for an approver of the same organisation who is not the requester.",
    ),
    "agreement:approvals:deny-and-stop-ends-the-agent": Requirement(
        "issue, C17", "A no that stops the agent ends its session for this person at this server at once."
    ),
    "agreement:approvals:identical-calls-at-once-share-one-outcome": Requirement(
        "issue, decision 13", "Identical calls at once after one yes run once and all hear that one outcome."
    ),
    "cli:check:names-tools-that-ask-nobody": Requirement(
        "issue, decision 13", "`check` warns of each destructive tool that was registered with approval: false."
    ),
}


# tests: the kill switch (authserver/domain/revocation, authserver/domain/stopping)
KILL: dict[str, Requirement] = {
    "kill:restored:everything-ends-what-a-backup-brought-back": Requirement(
        "ours; R-16",
        "what an older backup brought back to life ends when everything is stopped, and stays so when it is revived",
    ),
    "limits:clock:set-back-locks-nobody-out": Requirement(
        "ours; RV-10", "a clock that was set back locks nobody out of a budget, and fills it once more and no fuller"
    ),
    "kill:radius:what-a-stop-would-end-is-counted-first": Requirement(
        "ours; C51", "before a stop is confirmed it says how many people, applications and logins it ends, exactly"
    ),
    "kill:who:a-tenants-operator-acts-in-their-tenant-alone": Requirement(
        "decision 22; AD-04, TN-01", "a tenant's operator stops nothing elsewhere, and learns of nothing there"
    ),
    "kill:who:what-the-platform-stopped-only-the-platform-revives": Requirement(
        "decision 22", "what the platform's operators stopped inside a tenant no operator of that tenant revives"
    ),
    "kill:who:a-tenant-fills-no-servers-state": Requirement(
        "ours",
        "A tenant's operators hold a bounded number of names stopped; the platform's, and what is known, are not bound.",
    ),
    "kill:refresh:ends-at-once": Requirement(
        "TK-40, decision 14", "A killed user, client or tenant refreshes nothing."
    ),
    "attack:kill:no-descendant-lives-on": Requirement(
        "RV-07", "a refresh beside a kill leaves nothing alive, whoever comes first, nor once it was revived"
    ),
    "attack:kill:a-process-that-has-not-heard-begins-nothing": Requirement(
        "RV-01, TK-40, decision 14",
        "a process whose memory lags lets begin only what is below the kill's number, and dead",
    ),
    "kill:cost:does-not-grow-with-what-was-killed": Requirement(
        "ours; decision 20",
        "looking whether something was ended by a number costs the same with ten thousand kills as with none",
    ),
    "kill:approver:takes-back-what-they-said": Requirement(
        "decisions 13, 14", "what a stopped approver said yes to, and was not used, ends with them for good"
    ),
    "kill:key:no-clock-brings-it-back": Requirement(
        "decision 16; RV-04", "a signing key that was removed in an emergency is out of the set by any clock"
    ),
    "kill:everywhere:nothing-that-died-comes-back": Requirement(
        "decision 14; RV-01, RV-02, RV-04, RV-10, TK-40, C06",
        "what was killed is dead in refresh, codes, introspection, userinfo, exchange, API keys, approvals, sessions, the admin API "
        "and guards, by any clock, after any restart, and after it was revived; what is beside it lives",
    ),
    "kill:recorded:who-and-why": Requirement(
        "C51", "who stopped or revived something, and why, is in the record, sealed"
    ),
    "kill:one-thing:an-operator-ends-one-authorization-or-one-token": Requirement(
        "design §4", "an operator ends one authorization or one access token, in their tenant alone, and nothing else"
    ),
}

# tests: the numbered list, served and acknowledged
FEED: dict[str, Requirement] = {
    "feed:follow:begins-with-the-state-then-what-follows": Requirement(
        "decision 14",
        "A follower begins with the whole state, and then hears each event once, in order, signed by the issuer.",
    ),
    "feed:follow:a-short-request-knows-all-that-was-committed-before-it": Requirement(
        "decision 14, RV-01",
        "Whatever any process committed before a short request was sent is in its answer; so the answer can be a lease.",
    ),
    "feed:follow:in-pages": Requirement(
        "ours", "However many events there are, they come in pages and none is missing."
    ),
    "feed:one-reading-serves-all": Requirement(
        "ours",
        "Whoever asks at once shares one reading, which began after each of them asked; its age is counted from before it.",
    ),
    "feed:many-tenants:a-few-readings": Requirement(
        "ours",
        "However many tenants a server is heard for, what it hears and what they demand is found by a few readings.",
    ),
    "feed:reset:every-floor-and-every-stop": Requirement(
        "decision 14; RV",
        "The state that a newcomer gets holds every stop, however old, and every floor of the last two days.",
    ),
    "feed:reset:does-not-grow-for-ever": Requirement(
        "decision 14", "What ended long before any token that may live is in no newcomer's state; in the rows it stays."
    ),
    "feed:reset:what-ended-within-the-life-of-a-token": Requirement(
        "decision 14",
        "A newcomer hears of every single token and authorization that ended while such a token may still live.",
    ),
    "feed:cursor:beyond-the-list-is-refused": Requirement(
        "decision 14; RV",
        "A cursor beyond the list is refused with feed_backwards, after the database was read once more.",
    ),
    "feed:cursor:of-another-list-begins-anew": Requirement(
        "decision 14", "A cursor of another list, or of what a server heard before that changed, begins anew."
    ),
    "feed:wait:answered-at-once-by-a-commit": Requirement(
        "issue, C51", "A long poll is answered by the commit of an event, and not by its end."
    ),
    "feed:stream:tells-at-once-and-beats": Requirement(
        "issue", "A stream tells an event at once, and each second that it is alive."
    ),
    "feed:stream:another-process-tells-at-once": Requirement(
        "issue, decision 5",
        "What one process commits the streams of another tell at once, on both databases, without waiting for a tick.",
    ),
    "feed:stream:goes-on-where-it-was": Requirement(
        "WHATWG HTML §9.2.4", "A stream goes on behind Last-Event-ID, or behind `after`."
    ),
    "feed:stream:ends-with-the-credential": Requirement(
        "AD, RV",
        "A stream ends within seconds of its credential: disabled, rotated, removed, its overlap over, its tenant suspended.",
    ),
    "feed:stream:a-stop-of-the-process-ends-it": Requirement(
        "R-06", "A process that is told to stop lets go of streams and long polls at once."
    ),
    "feed:stream:a-seat-each-and-a-bound-for-all": Requirement(
        "ours",
        "Streams and long polls are bounded for each server and together; who finds no seat hears when to come back and may ask without.",
    ),
    "feed:stream:a-slow-reader-costs-one-message": Requirement(
        "ours", "A reader that does not read costs one message, and then gets what is newest, without a hole."
    ),
    "feed:stream:one-signature-serves-many": Requirement("ours", "Equal streams share each signature."),
    "feed:ack:what-was-applied-and-what-it-is": Requirement(
        "issue, C52", "An instance says which number it applied, how long it trusts what it knows, and what it is."
    ),
    "feed:ack:asking-for-what-follows-says-it-too": Requirement(
        "issue", "Who asks for what follows a cursor has applied what came before it."
    ),
    "feed:ack:never-falls": Requirement(
        "issue", "The number that an instance applied never falls, whichever process hears of it."
    ),
    "feed:ack:seen-is-written-seldom-and-applied-at-once": Requirement(
        "ours", "That an instance was seen is written every ten seconds at most, that it applied a number at once."
    ),
    "feed:ack:is-bounded": Requirement(
        "ours", "A flood of instance ids is bounded for each client, and drives out only the silent."
    ),
    "feed:ack:a-busy-database-holds-up-nobody-who-asks": Requirement(
        "R-13", "A long write by somebody else delays no answer of the feed."
    ),
    "feed:wall:own-tenants-and-own-resource-alone": Requirement(
        "decision 22; TN-01",
        "A server hears of the tenants that it is heard for and of its own resource, in events and in the state, and of nothing else.",
    ),
    "feed:wall:upstream-of-an-exchange": Requirement(
        "decision 14",
        "It hears of those resources too from which tokens may be exchanged towards its own, and not of their tools.",
    ),
    "feed:told:exchange-withdrawn": Requirement(
        "RFC 8693 §5", "What was exchanged under a permission ends with it at the server it was for, and behind it."
    ),
    "feed:told:key-of-its-issuer": Requirement(
        "issue", "A key that was taken out is told to those who follow its issuer."
    ),
    "feed:told:a-changed-demand": Requirement(
        "decision 18", "A changed demand on a tool is told to the tool's server, to those heard for that tenant."
    ),
    "feed:door:a-servers-own-credential-alone": Requirement(
        "AD, RV", "Only a resource server's own credential, at an issuer that serves it, opens the feed."
    ),
    "feed:door:parameters-are-bounded": Requirement(
        "CWE-20",
        "Every parameter and every member of an acknowledgement is of its form and bounded, or refused by its name.",
    ),
    "feed:door:a-flood-has-an-end": Requirement(
        "R-13",
        "A server that asks without end is slowed alone, and however many connections wait leave nothing behind.",
    ),
    "feed:cursor:forged-ones-are-refused": Requirement(
        "RV, CWE-113", "A cursor that nobody gave is refused and never said back; another server's begins anew."
    ),
    "feed:ack:for-oneself-alone": Requirement("AD", "Nobody acknowledges for another server's instance."),
    "feed:numbers:a-kill-has-that-of-its-own-event": Requirement(
        "decision 14",
        "A kill ends by the number of its own event, in a shared transaction too, and in one that is tried again unit by unit.",
    ),
    "feed:numbers:never-stepped-over": Requirement(
        "decision 14", "No follower steps over a lower number that commits late."
    ),
    "feed:words:read-strictly": Requirement(
        "RFC 8725 §3, CWE-20",
        "A batch is read strictly on the other side too: an unknown kind or act, or anything not of its form, is refused whole.",
    ),
    "feed:accident:a-database-that-comes-back": Requirement(
        "R-19",
        "While the database is away streams stay and say how old they are, and short requests are told 503; then all goes on by itself.",
    ),
    "feed:heard:applied-waiting-or-lapsed": Requirement(
        "issue, decision 14; C52",
        "Who waits for a kill is told of each instance that was live then: applied, waiting, or stopped by itself.",
    ),
}

# tests: the follower and the lease (resource_lib/revocation)
FOLLOWER: dict[str, Requirement] = {
    "follow:admin-api:a-stop-is-obeyed-within-two-seconds": Requirement(
        "decision 14; C06",
        "what the admin API stops is refused by a guard two seconds after the answer, and who has obeyed is named with its time",
    ),
    "follow:state:ends-are-counted": Requirement(
        "decision 14",
        "An end or a kill ends whatever carries a smaller number: tokens, those who act, what was exchanged, keys, hosts; a token without a number is below every one.",
    ),
    "follow:state:held-up-not-ended": Requirement(
        "decision 14",
        "A stopped tool, version or resource ends no token, and goes on when it is revived; a pause is no kill.",
    ),
    "follow:state:a-stopped-server-does-nothing-elsewhere": Requirement(
        "RV-07, decision 14",
        "While an MCP server is stopped, what it got by exchange is held up at the servers that it calls.",
    ),
    "follow:state:any-order": Requirement(
        "decision 14", "What a server knows follows from what it heard, not from the order or how often."
    ),
    "follow:state:never-alive-again": Requirement(
        "decision 14", "Nothing that has ended lives again, whatever is heard later, a beginning anew included."
    ),
    "follow:state:begins-anew": Requirement(
        "decision 14", "A beginning anew revives what it does not name, and ends nothing less."
    ),
    "follow:state:bounded": Requirement(
        "RV-09",
        "A hundred thousand revoked tokens are forgotten once they have expired by the issuer's own clock; killed keys never.",
    ),
    "follow:lease:monotonic": Requirement(
        "decision 14",
        "The age of what is known counts on a clock that nobody sets and that goes on while the machine sleeps.",
    ),
    "follow:lease:as-of-before-the-question": Requirement(
        "decision 14",
        "What is known is as old as the question that it answered, plus what the issuer's reading was old by.",
    ),
    "follow:lease:a-stream-renews-nothing": Requirement(
        "decision 14", "A stream applies at once and renews nothing: it may have been delayed."
    ),
    "follow:lease:writes-stop-first": Requirement(
        "RS-26, decision 14",
        "A server that has not heard refuses writes and what returns personal data or secrets at once past max_staleness, everything else past read_staleness, with retry_after_s.",
    ),
    "follow:lease:checked-again": Requirement(
        "decision 14", "A lease that ends while a call is on its way is noticed before the server gets the call."
    ),
    "follow:feed:pages": Requirement("decision 14", "A server is fresh only when it has heard all of what waits."),
    "follow:feed:acknowledged": Requirement(
        "decision 14", "What is applied is acknowledged at once, and again with the next question."
    ),
    "follow:feed:holes": Requirement(
        "decision 14",
        "A hole in what was said is asked for, and never acknowledged; an answer that does not follow is begun anew.",
    ),
    "follow:feed:another-list-is-not-believed": Requirement(
        "decision 14",
        "A list that goes backwards, or another one, is not believed until the next start: what is known stays, nothing is fresh, and operators hear of it.",
    ),
    "follow:feed:changed-hearing": Requirement(
        "decision 14", "A server that is heard for other tenants than before hears everything anew and loses nothing."
    ),
    "follow:feed:nothing-else-is-believed": Requirement(
        "RFC 8725 §3.1, §3.9, §3.11",
        "A batch counts only with its own type, signed by the issuer's key, for this very server, as the answer to this very question; whatever else comes teaches and renews nothing.",
    ),
    "follow:feed:a-stream-takes-nothing-back": Requirement("decision 14", "What is played again revives nothing."),
    "follow:feed:a-late-answer-takes-nothing-back": Requirement(
        "decision 14",
        "Where two beginnings cross on the wire, the later question is the truth: an older one's answer revives nothing and says nothing of whom this server is heard for.",
    ),
    "follow:feed:a-fork-speaks-for-itself": Requirement(
        "decision 14", "A forked process acknowledges under a name of its own."
    ),
    "follow:feed:survives-a-rotation": Requirement("decision 16", "A rotated key is found, and the list goes on."),
    "follow:feed:not-all-at-once": Requirement(
        "decision 14",
        "Each server asks at least every two seconds, and fifty whose streams end at once do not come back at once.",
    ),
    "follow:feed:a-start-waits-a-moment": Requirement(
        "decision 14",
        "Never heard is not fresh: a start waits a moment for the first answer, and a question that hangs delays no other.",
    ),
    "follow:guard:a-dead-token-is-the-one-401": Requirement(
        "RS-25, decision 10, decision 14",
        "What has ended is the one 401, byte for byte, for everything that it asks; only what began after it, and after the revival of a kill, lives.",
    ),
    "follow:guard:a-killed-key": Requirement(
        "decision 16", "What a killed key has signed is forgotten as verified, and the keys are asked for anew."
    ),
    "follow:guard:a-killed-tool-is-unknown": Requirement(
        "RS-25, decision 11",
        "A killed tool, or a killed version of it, answers as one that does not exist and is in no list.",
    ),
    "follow:guard:switched-off": Requirement(
        "issue, C59",
        "A killed or paused server says server_inactive with retry_after_s in the form of each message; a paused one keeps its clients connected.",
    ),
    "follow:guard:not-linked-any-more": Requirement(
        "decision 22",
        "Tokens of a tenant for which this server is no longer heard are the one 401; one that is new is asked about at once.",
    ),
    "follow:guard:policy": Requirement("decision 14", "A changed demand is asked for as soon as the list says so."),
    "follow:running:is-cancelled": Requirement(
        "decision 14, C56",
        "A running call that is killed is cancelled, and its caller is told so, or its stream ends; nobody else's is touched.",
    ),
    "follow:running:is-cancelled-at-the-server": Requirement(
        "C56, MCP 2025-11-25 Cancellation",
        "A tool of the official SDK that is stopped is cancelled where it waits within a second, in both eras and in both forms of an answer.",
    ),
    "follow:running:streams-and-sessions": Requirement(
        "decision 14", "Open streams and sessions of whoever is killed end, and do not go on after a new login."
    ),
    "follow:held:no-yes-is-spent": Requirement(
        "decision 14", "A stop while a person decides leaves their yes unspent."
    ),
    "follow:held:nothing-begins": Requirement(
        "decision 14", "A stop while the yes is being spent runs nothing, and is reported as nothing done."
    ),
    "follow:held:ambiguous-not-done": Requirement(
        "decision 13",
        "An approved call that is cancelled is never reported as done: it is ambiguous until a person clears it.",
    ),
    "follow:stop-file:stops-everything": Requirement(
        "issue",
        "While the stop file is there nothing is served, in token-only mode and without an issuer too, and what runs is cancelled; its removal revives.",
    ),
    "follow:stop-file:what-cannot-be-told-counts": Requirement(
        "issue",
        "A stop file that cannot be told counts as there: a folder that has gone or may not be read, a link that leads nowhere; it is announced.",
    ),
    "follow:doctor:says-it": Requirement(
        "decision 18",
        "The report and the line at start say the lease, the age of what is known, the stop file, what is wrong, and that a token-only guard follows nothing.",
    ),
    "follow:server:a-real-stop-is-obeyed": Requirement(
        "decision 14",
        "Over real sockets: a running call is cancelled, the next is refused, the instance says that it obeyed, and a restart changes nothing.",
    ),
    "follow:server:away-and-back": Requirement(
        "decision 14", "While the real server is away writes are refused and reads go on; both come back by themselves."
    ),
    "follow:bound:no-write-starts-late": Requirement(
        "decision 14",
        "No write starts later than max_staleness after its stop and nothing dead lives again, with messages dropped, doubled, delayed, reordered, replayed or forged.",
    ),
}

# tests: how soon and how surely everybody stops
REACH: dict[str, Requirement] = {
    "reach:feed-up:every-guard-obeys": Requirement(
        "issue, decision 14, C06, C51",
        "Every kind of stop that was committed reaches every running guard, and so does a revival.",
    ),
    "reach:faults:no-write-begins-later-than-promised": Requirement(
        "issue, decision 14",
        "With the wire cut, silent, late, reordering or losing, the server killed or the database restarted, no write begins later "
        "than `max_staleness` after a stop was committed, and whoever was stopped is not served again.",
    ),
}

# tests: whether each server is there, guarded, and what it was
HEALTH: dict[str, Requirement] = {
    "health:check:says-what-is-wrong": Requirement(
        "issue, C56, RFC 9728 §3",
        "Each MCP server is looked at: is it there, does its metadata name us, is it guarded?",
    ),
    "health:check:gives-nothing-away": Requirement(
        "C56, CWE-918", "A look carries no credential, calls no tool that exists and follows no redirect."
    ),
    "health:check:one-looks-at-a-time": Requirement(
        "C56", "Of many who want to look at one server at once one does, and the others get what was found."
    ),
    "health:check:by-the-timetable": Requirement(
        "issue, C56", "Servers are looked at by a timetable, which can be turned off; disabled ones are left alone."
    ),
    "health:check:news-is-recorded": Requirement("C56, decision 15", "What a look found is recorded when it is news."),
    "health:check:is-for-those-who-see-the-server": Requirement(
        "decision 22", "A tenant's operator lets look at that tenant's servers, and learns of no others."
    ),
    "health:overview:state-of-each-server": Requirement(
        "issue, C52",
        "Each server is seen as active, paused, stopped or disabled; switched inactive it keeps its registration.",
    ),
    "health:overview:credentials": Requirement(
        "issue, C56", "Of each server's credential it is seen whether it counts, when it last did, and when it ends."
    ),
    "health:overview:feed-age": Requirement(
        "issue, decision 14",
        "Of each running server it is seen how old its knowledge is, and for how long it lags behind.",
    ),
    "health:overview:who-follows-has-not-lapsed": Requirement(
        "issue, decision 14",
        "A server that asks as often as it should is never shown as one that has stopped by itself, however seldom that is written.",
    ),
    "attack:health:no-tenant-learns-of-another": Requirement(
        "decision 22", "What a tenant sees of its servers is the same whatever other tenants have and do."
    ),
    "health:credential:refused-is-said-with-the-cure": Requirement(
        "ours", "A guard whose credential is not taken says in its log what to do, and never the secret."
    ),
    "health:tools:a-guard-says-them": Requirement(
        "issue, C54, design §4", "A guard says which tools it has after its start and when one is defined differently."
    ),
    "health:tools:a-change-is-shown-until-accepted": Requirement(
        "issue, C54",
        "That a server's tools are others than before is recorded, and shown until an operator accepts the list.",
    ),
    "health:tools:are-compared-with-what-is-registered": Requirement(
        "issue, C56", "What a server has is compared with what is registered for it, tool by tool."
    ),
    "attack:health:one-credentials-word": Requirement(
        "decision 22, CWE-20",
        "What a server says of its tools is read strictly, and is for those alone whom its credential serves.",
    ),
    "attack:health:no-credentials-of-a-cloud": Requirement(
        "CWE-918", "No look goes where a cloud hands out credentials, or to an address that is nobody's."
    ),
    "attack:health:private-servers-over-tls": Requirement(
        "CWE-918, RFC 9525",
        "A server in a private network is looked at over TLS for its name, which strangers' URLs never reach.",
    ),
    "attack:health:answers-are-bounded": Requirement(
        "CWE-400", "What a server answers to a look is bounded in bytes and time, and so is how often one is asked."
    ),
}

# tests: the admin API
ADMIN: dict[str, Requirement] = {
    "admin:matrix:every-route-has-an-example": Requirement(
        "issue", "A route of the admin API without an example and expectations fails the suite."
    ),
    "admin:matrix:nobody-learns-nothing": Requirement(
        "issue, AD-01, AD-05, AD-15",
        "Nobody, garbage, another audience, revoked, removed or disabled: one 401 at every method and path, real or not.",
    ),
    "admin:matrix:scope-and-role-decide": Requirement(
        "issue, AD-01, AD-02, CVE-2024-42490, CVE-2026-25227",
        "Each route is open to exactly those roles and machines that hold its scope, as the rows say now.",
    ),
    "admin:matrix:examples-work": Requirement("issue", "Each route does what it is for, for whom it is meant."),
    "admin:matrix:another-tenants-is-not-there": Requirement(
        "issue, TN-01, TN-02, TN-03, TN-15, CVE-2025-27507, CVE-2025-64431, CVE-2025-67717",
        "What is another tenant's is as what is not there: the same bytes, the same number of readings.",
    ),
    "admin:dangerous:needs-a-fresh-login": Requirement(
        "issue, RFC 9470, AD-12", "What is dangerous needs a login of the last 300 seconds, and says so by max_age."
    ),
    "admin:access:by-browser-and-device": Requirement(
        "issue",
        "An administrator signs in with a browser or a device and gets what their role may grant, told in words.",
    ),
    "admin:access:reads-unless-asked": Requirement(
        "decision 19", "Who asks for nothing is offered reading; who administers nothing can grant nothing."
    ),
    "admin:access:the-rows-decide": Requirement(
        "issue, RV-02, TN-16", "A role taken away, a kill of person, application, tenant or everything counts at once."
    ),
    "admin:access:no-strangers-application": Requirement(
        "ours, AP-11", "An application that registered itself or is described by a document administers nothing."
    ),
    "admin:access:bound-tokens-wait-for-their-proof": Requirement(
        "issue, RFC 9449, RFC 8705",
        "A token with `cnf`, or that somebody exchanged, is refused until its proof can be checked.",
    ),
    "admin:access:wrong-tokens-are-refused": Requirement(
        "issue, RFC 9068 §4",
        "Another audience, tenant, person or issuer, more scope, an end, an API key: refused or no more.",
    ),
    "admin:access:no-cookie-no-form": Requirement(
        "AD-08", "A cookie opens nothing, and nothing that a form can send is read."
    ),
    "admin:access:one-reading-of-a-body": Requirement(
        "AD-10", "What two readers could take differently is refused: bodies, methods, credentials, sizes."
    ),
    "admin:access:limited": Requirement(
        "decision 12", "One authorization that asks too often is told when to come back; others are not held up."
    ),
    "admin:resource:nobody-changes-it": Requirement(
        "issue",
        "The admin API is in the directory by construction: not removed, unlinked, imitated, or a tenant's default.",
    ),
    "admin:resource:every-tenant-has-it": Requirement(
        "issue, decision 22", "A tenant made later, or with an issuer of its own, administers itself at once."
    ),
    "admin:resource:can-be-switched-off": Requirement(
        "issue", "Switched off it is not there, and nobody gets a token for it."
    ),
    "admin:openapi:nobody-gets-401-alone": Requirement(
        "issue, AD-01", "Whatever is made from the OpenAPI, nobody gets 401 and nothing else."
    ),
    "admin:openapi:has-an-example-of-each-body": Requirement(
        "issue", "Each operation that takes a body shows one that its own form takes."
    ),
    "admin:openapi:holds-for-an-administrator": Requirement(
        "issue", "Whatever an administrator sends, no 5xx, and no status, type or body that the OpenAPI does not name."
    ),
    "admin:cost:imported-at-its-first-request": Requirement(
        "ours", "A server whose admin API nobody uses pays neither memory nor time for its framework."
    ),
    "admin:tenants:own-alone": Requirement(
        "issue, TN-01, TN-15",
        "A tenant's administrator sees and changes their own tenant; another's and none are one 404.",
    ),
    "admin:tenants:platform-makes-and-removes": Requirement(
        "issue, decision 22",
        "The platform's operators make, suspend and remove tenants; suspending is recorded before it is done.",
    ),
    "admin:users:come-and-go": Requirement(
        "issue, AD-04, TN-03", "People come, change and go in one tenant; what is no field is refused by name."
    ),
    "admin:users:accounts-elsewhere-are-not-told": Requirement(
        "issue, TN-13, decision 22", "Whether somebody had an account before they came is not said, nor is it changed."
    ),
    "admin:users:passwords-are-their-own": Requirement(
        "issue, decision 22", "A tenant's administrator cannot reset the one password of a person; the platform can."
    ),
    "admin:users:a-first-password-opens-one-tenant": Requirement(
        "decision 22, TN-13",
        "A password that a tenant's administrator gave opens no other tenant until the platform's operators set one.",
    ),
    "admin:users:nobody-gives-more-than-they-hold": Requirement(
        "AD-03", "A role that administers is given by whoever holds all that it opens, whichever credential they use."
    ),
    "admin:users:power-needs-a-fresh-login": Requirement(
        "issue, RFC 9470", "A role that administers is given on a fresh login alone, whoever gets it."
    ),
    "admin:users:the-last-admin-does-not-vanish": Requirement(
        "issue", "The last administrator goes only by saying so, also where two remove each other at once."
    ),
    "admin:clients:registered-rotated-ended": Requirement(
        "issue", "Applications are registered, rotated, renewed, disabled and removed; a secret is shown once."
    ),
    "admin:clients:own-tenant-alone": Requirement(
        "issue, AD-04, TN-03, TN-15",
        "A tenant's administrator makes no shared, no verified and no server's client, and none for another tenant's server.",
    ),
    "admin:clients:nobody-gives-more-than-they-hold": Requirement(
        "issue, AD-03", "A machine that administers needs what its maker holds, and a fresh login; its rotation too."
    ),
    "admin:clients:who-is-let-in": Requirement(
        "issue, MCP A20, decision 22", "A tenant's policy and verdicts on strangers' applications decide in it alone."
    ),
    "admin:changes:of-the-state-that-was-seen": Requirement(
        "issue, RFC 9110 §13.1.1", "A change names the ETag it saw: 428 without one, 412 with an older one."
    ),
    "admin:posts:once-for-each-key": Requirement(
        "issue, AD-09",
        "The same Idempotency-Key and request is done once and answered alike; with another request it is 422.",
    ),
    "admin:cursors:sealed": Requirement(
        "issue, TN-02, CVE-2026-33504", "A cursor with one bit changed, or of another list, is 400."
    ),
}

# tests: the admin API, noun by noun
ADMIN_NOUNS: dict[str, Requirement] = {
    "admin:secrets:not-at-rest": Requirement(
        "design decision 8",
        "neither a secret that the admin API shows once, nor an operator's words, stands readable in the database",
    ),
    "admin:races:one-of-many": Requirement(
        "RFC 9110 §13.1.1; AD-09",
        "of many operators who change, repeat, revive or decide the same at two servers at once, one does",
    ),
    "admin:docs:commands-run-as-written": Requirement(
        "ours", "every command of docs/admin-api.md gets the answer that the page says, and every scope opens something"
    ),
    "admin:kills:waited-for": Requirement(
        "design decision 14",
        "whoever stopped something sees of each running MCP server whether it has obeyed or has lapsed",
    ),
    "admin:authorizations:searched-and-ended": Requirement(
        "C51; TN-02", "who has what is searched page by page in one's own tenant, and one is ended alone"
    ),
    "admin:approvals:a-yes-is-a-persons": Requirement(
        "design decision 13; RFC 9470 §3",
        "over the admin API too a yes is a person's, with a fresh login, to what they were shown, and never through the application that asks",
    ),
    "admin:approvals:any-operator-says-no": Requirement(
        "design decision 13", "any operator says no to a call of their tenant without seeing what it is about"
    ),
    "admin:servers:paused-and-resumed": Requirement(
        "C52", "a server is switched off and on without losing its registration, in the operator's tenant alone"
    ),
    "admin:servers:a-version-is-seen-and-stopped": Requirement(
        "issue",
        "what each tool of a server is today is shown to its operators, and one version of it is stopped by that",
    ),
    "admin:servers:seen-by-their-own": Requirement(
        "C56", "a changed list of tools is accepted as it was seen, by the operators of a tenant for themselves"
    ),
    "admin:audit:opened-one-by-one": Requirement(
        "design decision 15; TN-15",
        "what names people in the record is opened one event at a time by whom it may be, and that is recorded",
    ),
    "admin:search:among-what-may-be-read": Requirement(
        "AD-02", "the search finds what the token lets its holder read, and nothing else"
    ),
    "admin:audit:says-who-acted": Requirement(
        "ours", "every event that the admin API causes says by which person and application it came about"
    ),
    "admin:kills:refused-everywhere": Requirement(
        "C06; RV-01",
        "what was killed over the admin API is refused by refresh, introspection and the admin API itself from that commit on",
    ),
    "admin:resources:made-by-the-platform": Requirement(
        "design decision 22",
        "the platform's operators register, change, link and remove MCP servers; the credential is shown once and ends with its server",
    ),
    "admin:resources:own-tenant-alone": Requirement(
        "TN-01; TN-02; TN-15", "a tenant's people see the MCP servers linked to it, and not to whom else they are"
    ),
    "admin:resources:strict-bodies": Requirement(
        "AD-04", "what cannot be registered is refused by the name of its field"
    ),
    "admin:resources:one-of-many-changes": Requirement(
        "RFC 9110 §13.1.1", "of many who change an MCP server that they saw at once, one does"
    ),
    "admin:tools:a-tenants-own-rules": Requirement(
        "design decision 11",
        "a tenant's administrators write its rules for a tool over exactly what they saw, and they act in that tenant alone",
    ),
    "admin:keys:own-alone": Requirement(
        "design decision 22", "keys are rotated and removed by whose issuer it is; another issuer's are not there"
    ),
    "admin:keys:rotated-and-removed": Requirement(
        "design decision 16", "a key that leaked is out at once with all it signed, and another signs from that moment"
    ),
    "admin:issuers:given-and-taken": Requirement(
        "design decision 22",
        "a tenant gets an issuer of its own with a key that signs at once, and loses both together",
    ),
    "admin:kills:own-tenant-alone": Requirement(
        "TN-01; TN-15; design decision 22",
        "what a tenant's operator stops stops in that tenant alone, and another tenant's things are not there to be stopped",
    ),
    "admin:kills:said-by-name": Requirement(
        "AD-12; RFC 9470 §3",
        "stopping a tenant, everything, or something in every tenant says by name what it stops; the gravest need a fresh login and are recorded before they are done",
    ),
    "admin:kills:platforms-stop-stays": Requirement(
        "design decision 22",
        "what the platform's operators stopped in a tenant only they revive, and their reason is theirs",
    ),
    "admin:kills:once-for-each-key": Requirement(
        "AD-09", "a kill that is sent again with its idempotency key takes no second number"
    ),
    "admin:kills:previewed": Requirement("ours", "a dry run says what would end and changes nothing"),
    "admin:kills:ids-name-no-tenant": Requirement(
        "TN-02", "the id of a kill is read in the operator's own tenant, and a forged one leads nowhere"
    ),
    "admin:kills:strict-bodies": Requirement("AD-04", "a kill's body names exactly what its kind needs"),
    "admin:revocations:one-thing-ends": Requirement(
        "C06",
        "a token by value or id, an authorization, an application or a person's access ends by one request, and may begin anew",
    ),
    "admin:revocations:own-tenant-alone": Requirement(
        "TN-01", "what is another tenant's is revoked by nobody else, nor known to them"
    ),
    "admin:kills:stopped-and-revived": Requirement(
        "C51; C59",
        "an operator stops a class of things by one request, and lets it begin again by another; what ended stays ended",
    ),
    "admin:search:one-question": Requirement(
        "C59",
        "an operator types an address, an id or part of a name and finds the person, application, server, tool or authorization",
    ),
    "admin:search:stays-inside": Requirement(
        "TN-15",
        "what is searched for is found in the operator's own tenant alone, and nothing tells that it is elsewhere",
    ),
    "admin:audit:what-is-looked-for-is-found": Requirement(
        "ours",
        "the record is searched by kind, outcome, application, person, MCP server, authorization and time, newest first",
    ),
    "admin:audit:a-page-costs-the-same": Requirement(
        "ours",
        "however many events there are and however rare what is looked for, a page reads a bounded number of rows",
    ),
    "admin:authorizations:who-has-what": Requirement(
        "C51",
        "an operator finds every authorization by person, application, MCP server and state, newest first, with its last use and end",
    ),
    "admin:authorizations:what-a-kill-ended-is-ended": Requirement(
        "design decision 14", "an authorization that a kill has counted out is shown as ended from that commit on"
    ),
}

# tests: the console
CONSOLE: dict[str, Requirement] = {
    "console:overview:what-is-stopped-everywhere-is-said-where-it-reaches": Requirement(
        "ours (decision 22), TN-15",
        "A tool or a server that the platform's operators stopped is said to be so to the tenants it is linked to, and to no other.",
    ),
    "console:isolation:another-tenants-copies-are-not-counted": Requirement(
        "TN-15, decision 22",
        "Running copies of a shared server that speak with another tenant's credential are neither counted nor named.",
    ),
    "console:overview:says-who-stopped-what-and-why": Requirement(
        "issue: the console", "Whatever is stopped says since when, by whom and why, beside the way to let it go on."
    ),
    "console:door:whoever-operates-comes-in": Requirement(
        "decision 22, AD-02",
        "Admins and operators act at the console of their tenant, auditors look, the platform's people choose any tenant.",
    ),
    "console:door:others-find-nothing": Requirement(
        "ours",
        "Whoever operates nothing finds at /console what stands at an address that does not exist, byte for byte.",
    ),
    "console:door:needs-a-login-and-comes-back": Requirement(
        "ours, AZ-04", "The console sends to the login and comes back to the very page, and to nowhere else."
    ),
    "console:stop:recorded-with-who-acted": Requirement(
        "decision 15", "Whatever is done at the console is recorded with who did it and why, sealed."
    ),
    "console:stop:twice-or-late-is-harmless": Requirement(
        "ours", "A double submit does nothing twice; a page older than somebody else's act asks again."
    ),
    "console:end:one-or-all-without-stopping": Requirement(
        "RFC 7009, issue: the console",
        "One sign-in, or all of a person's or an application's, end for good; they may begin anew.",
    ),
    "console:server:paused-and-let-go-on": Requirement(
        "C52", "An MCP server is paused, stopped and let go on; its state is on the overview and its own page."
    ),
    "console:search:finds-what-is-theirs": Requirement(
        "issue: the console", "One box finds people, applications, sign-ins, tools and servers, each with its button."
    ),
    "console:page:get-changes-nothing": Requirement(
        "RFC 9110 §9.2.1", "No address of the console changes anything by being opened."
    ),
    "console:attack:a-form-counts-from-this-browser-for-this-target": Requirement(
        "AD-08, RFC 9700 §4.7", "A form from elsewhere, or one that was made for another target, changes nothing."
    ),
    "console:attack:power-that-is-gone-counts-no-more": Requirement(
        "AZ-51, AD-02",
        "A role, membership or person that is gone or stopped has no power, whatever page is still open.",
    ),
    "console:attack:an-auditor-only-looks": Requirement(
        "AD-02, CVE-2026-25227", "An auditor has no form that counts; what they try is refused and recorded."
    ),
    "console:attack:another-tenant-is-not-there": Requirement(
        "TN-15, decision 22",
        "Another tenant's ids read as what never was, and nothing that happens there changes a byte of one's own pages.",
    ),
    "console:attack:what-the-platform-stopped-stays-stopped": Requirement(
        "decision 22", "No tenant's operator lets go on what the platform stopped, or learns who of its people did."
    ),
    "console:attack:nothing-strange-draws": Requirement(
        "ASVS 1.2", "Names and searches written to deceive stay names on every page of the console."
    ),
    "console:attack:cannot-be-framed-or-kept": Requirement(
        "ASVS 3.4, ASVS 14.3.2", "No page of the console can be framed, kept, or read from another origin."
    ),
    "console:attack:the-way-back-leads-nowhere-else": Requirement(
        "AZ-04", "The word that leads back to the console after a login can name nothing but a page of it."
    ),
    "console:attack:two-at-once-are-one": Requirement(
        "decision 14", "Of two who let something go on at once one does it, and the other is told so kindly."
    ),
    "browser:console:three-taps": Requirement(
        "C59, issue: it must show 7",
        "At 390 px an operator stops an agent within three taps, with and without script, and sees each copy obey.",
    ),
    "browser:console:whole-flow": Requirement(
        "issue: the console, WCAG 2.2 §2.1.1",
        "Search, stop and revive work by keyboard, Enter lets nothing go on, and the real pages fit phones and desks.",
    ),
    "console:stop:radius-first-then-one-button": Requirement(
        "C51, C59, issue: the console",
        "An agent is stopped from the overview in two presses, after what it reaches was shown; each copy is seen to obey.",
    ),
    "console:stop:the-large-ones-need-a-fresh-login-and-the-name": Requirement(
        "AD-12, RFC 9470, issue: dangerous verbs",
        "A tenant or everything is stopped and revived with a login of the last five minutes and its name typed, and recorded before.",
    ),
    "console:revive:deliberate-and-brings-nothing-back": Requirement(
        "decision 14", "Letting something go on needs a reason, and nothing that ended comes back."
    ),
    "console:revive:those-who-may-find-the-way-back-in": Requirement(
        "decision 14, decision 22",
        "A stop of a tenant or of everything ends the operator's own sign-in; a new one shows who obeyed and lets it go on.",
    ),
}

# tests: kill, revive, revoke on the command line, runbooks, the published surface
STOP_CLI: dict[str, Requirement] = {
    "cli:check:names-who-would-not-hear-of-a-stop": Requirement(
        "issue",
        "`check` warns of servers with tools that change things and that nobody follows, of silent processes, and of an admin API without an operator.",
    ),
    "cli:kill:wait-names-each-instance-as-it-obeys": Requirement(
        "issue, decision 14", "`kill --wait` names each running instance as it applies the kill, and how long it took."
    ),
    "cli:kill:wait-names-who-is-silent": Requirement(
        "issue, decision 14",
        "An instance that is silent until its lease has ended is named, with what that means; exit code 3.",
    ),
    "cli:kill:ctrl-c-leaves-it-in-force": Requirement(
        "issue", "Ctrl-C while waiting leaves the kill in force and says so."
    ),
    "runbooks:each:holds-as-written": Requirement(
        "issue",
        "Each runbook is executed as it stands against the demo: every command, every line one should see, every promise.",
    ),
    "cli:remote:the-same-commands-there": Requirement(
        "issue, design §4", "With --server the same commands act at a remote server, within what its operator may."
    ),
    "cli:remote:refusals-are-one-sentence": Requirement(
        "ours", "What a remote server refuses is one sentence, and no credential stands in it."
    ),
    "cli:login:by-a-code-in-any-browser": Requirement(
        "RFC 8628 §3, issue",
        "`login --server` shows where to type which code, and its page who asks for what; no more than it needs.",
    ),
    "cli:login:the-token-is-its-owners-alone": Requirement(
        "ASVS 14.3", "A login is kept in a file that its owner alone can read; one that others can read is not used."
    ),
    "cli:login:logout-ends-it-there-and-here": Requirement(
        "RFC 7009 §2.1", "`logout` ends the login at the server and removes it here."
    ),
    "cli:login:a-no-is-a-no": Requirement(
        "RFC 8628 §3.5", "A no at the browser ends the command, and nothing is kept."
    ),
    "cli:login:fresh-asks-for-the-password-again": Requirement(
        "RFC 9470 §4", "`login --fresh` asks for a login that is newer than itself."
    ),
    "rfc8628:max-age:a-newer-login-than-the-request": Requirement(
        "RFC 9470 §4", "A device that asks with max_age is allowed only by whoever proved who they are that recently."
    ),
    "cli:login:odd-servers-are-one-sentence": Requirement(
        "ours",
        "Garbage, redirects, other names and silence are one sentence each; nothing is sent elsewhere, and nothing is kept.",
    ),
    "cli:login:tls-is-verified": Requirement(
        "RFC 8628 §5.5", "TLS is verified, and plain http is for a server on this machine alone."
    ),
    "cli:kill:each-target-is-stopped-listed-and-revived": Requirement(
        "design §4, C51",
        "Each kind of target is stopped by one command, listed with its way back, and revived by that.",
    ),
    "cli:kill:acts-with-the-database-alone": Requirement(
        "issue, C51", "A kill needs the database and no running server, and whatever starts afterwards obeys it."
    ),
    "cli:kill:dry-run-shows-and-changes-nothing": Requirement(
        "issue",
        "`--dry-run` shows how many people, applications, live logins, servers and instances it concerns, and changes nothing.",
    ),
    "cli:kill:asks-first-and-demands-yes-without-a-terminal": Requirement(
        "issue, AD-12",
        "A kill shows what it ends before it asks, a revival what does not come back; a script has to say yes and why.",
    ),
    "cli:kill:says-what-is-wrong": Requirement(
        "ours", "A name that is unknown is told with its cure, and nothing is stopped."
    ),
    "cli:kill:wait-never-reports-what-nobody-confirmed": Requirement(
        "enforcement.md §4", "`--wait` ends well only where every running instance has said that it applied the kill."
    ),
    "cli:pause:and-resume": Requirement(
        "issue", "`resource pause` and `resume` switch an MCP server off and on, and nothing ends."
    ),
    "cli:revoke:ends-what-is-and-lets-begin-anew": Requirement(
        "RFC 7009 §2.1, issue", "`revoke` ends one login or all of an application or person, and lets them begin anew."
    ),
    "cli:revoke:a-token-is-never-an-argument": Requirement(
        "ASVS 14.3", "A token is read from a file or standard input and stands in no argument and no error."
    ),
    "cli:audit:finds-who-stopped-what-and-why": Requirement(
        "issue, decision 15",
        "`audit search` finds who stopped what and why; what is sealed is shown only when asked for.",
    ),
    "cli:kill:ends-are-known-wherever-the-database-is-open": Requirement(
        "ours", "Whatever opens the database, what hangs on a user or a client ends with them."
    ),
    "cli:kill:help-has-examples": Requirement("design §4", "The help of each of these commands has an example."),
    "surface:security-txt:complete": Requirement(
        "RFC 9116 §2.5, C58",
        "security.txt names contact, end, language, and over https its own address and the published surface.",
    ),
    "surface:security-page:tells-nobody-of-what-is-not-published": Requirement(
        "issue, TN-15",
        "A stranger reads at /security which servers are published, and no other server, tool or organisation.",
    ),
    "surface:security-page:shows-members-their-own": Requirement(
        "issue, TN-01",
        "A member reads at /security the servers of their organisations as these have them, and nobody else's.",
    ),
}


ARGUMENTS: dict[str, Requirement] = {
    "arguments:strict:before-the-tool": Requirement(
        "C27, RS-32, SEP-1303",
        "Arguments that are not as their tool advertises never reach it: nothing extra, nothing coerced, nothing missing.",
    ),
    "arguments:errors:never-the-value": Requirement(
        "C28, K9, SEP-1303", "Each wrong field is named by a pointer, the rule and what is allowed, never by its value."
    ),
    "arguments:errors:cost-little": Requirement(
        "EX-04", "A refusal costs no more than the call: of thousands of wrong values the first is explained."
    ),
    "arguments:errors:after-authorization": Requirement(
        "C28, K9", "How arguments should be is told only to whoever may make the call."
    ),
    "arguments:closed:nothing-extra": Requirement(
        "C27, RS-32",
        "Every level of a schema that says what it holds is closed, through whatever keyword it is reached.",
    ),
    "arguments:closed:never-takes-more": Requirement(
        "C27", "What a closed schema takes, its author's schema takes: closing only ever takes away."
    ),
    "arguments:closed:author-says-more": Requirement(
        "C27", "What an author says of further members stands: a map is a map."
    ),
    "arguments:closed:dialects": Requirement(
        "SEP-1613", "Schemas of drafts 6 and 7 and of 2019-09 are read as they were meant."
    ),
    "arguments:closed:listed-is-enforced": Requirement(
        "C27, C36", "Whatever validates against the listed schema is accepted, and the reverse, in either engine."
    ),
    "arguments:listed:is-what-is-enforced": Requirement(
        "C27, C36", "tools/list shows the very schema that calls are held to."
    ),
    "arguments:listed:own-and-short": Requirement(
        "RS-22, decision 11, MCP R17, SEP-2549",
        "A list holds what its caller may ever reach, by name; it is private and kept for seconds.",
    ),
    "attack:guard:headers-say-what-the-body-says": Requirement(
        "SEP-2243",
        "What the guard refuses for its form, and whose routing headers say something else, is the 400 that 2026-07-28 demands.",
    ),
    "arguments:listed:names-stay": Requirement(
        "C27, SEP-2106",
        "A part that is kept under a name is listed under that name, with the anchor that its author gave it.",
    ),
    "arguments:unknown:fails-closed": Requirement(
        "C27, decision 19",
        "A tool whose server does not say what its arguments are does not run; the refusal says when to try again.",
    ),
    "arguments:unusable:fails-closed": Requirement(
        "C27, EX-04",
        "A schema that cannot be enforced closes its tool, in words for its author, before it costs anybody time.",
    ),
    "arguments:unusable:nothing-is-fetched": Requirement(
        "C27, RS-32", "No schema makes anybody fetch anything, by either engine, from the network or the disk."
    ),
    "arguments:patterns:linear": Requirement(
        "C27, EX-04", "No pattern of a schema takes long over any text, whichever engine reads it."
    ),
    "arguments:engines:agree": Requirement(
        "C27", "Without jsonschema-rs the same is refused, in the same words, or the schema is refused."
    ),
    "arguments:modes": Requirement("C27, decision 19", "An author may enforce less, in a word that means something."),
    "arguments:batches": Requirement(
        "RS-31", "Each call of a batch is held to its own tool, and one wrong call refuses all."
    ),
    "arguments:bounds": Requirement(
        "C27, RS-32, EX-04", "Size, depth, count and numbers of arguments are bounded before any schema is asked."
    ),
    "arguments:warm:asks-once-a-minute": Requirement(
        "ours", "A list is asked for once for each caller and minute, a schema compiled once for all."
    ),
    "arguments:fast-path:looks-at-each-call": Requirement(
        "decision 18", "A remembered decision lets no wrong argument through."
    ),
    "arguments:schema-changes": Requirement("ours", "What a caller is shown now is what they are held to now."),
    "arguments:own-members": Requirement(
        "C34", "A member of the guard's own is in the schema of exactly those callers who may use it."
    ),
    "arguments:hash-stays-the-servers": Requirement(
        "decision 13", "A definition is hashed as its server lists it, whatever callers are shown."
    ),
    "arguments:approvals:nobody-is-asked": Requirement(
        "C21, C27", "Nobody is asked about a call whose arguments are wrong."
    ),
    "arguments:agreement:real-servers": Requirement(
        "C27, MCP 2025-11-25, 2026-07-28",
        "Servers of the official SDK and of FastMCP are held to their own schemas with nothing set, in sessions and without.",
    ),
}


LIMITS: dict[str, Requirement] = {
    "limits:tool:said-in-its-result": Requirement(
        "C37, C42, K1",
        "A tool's limit is said in its result, typed, with headers beside it, and the wait it names is true.",
    ),
    "limits:requests:said-by-429": Requirement(
        "C38, C39, C42, K1, decision 12",
        "A limit of requests is an HTTP 429 with the same object, for every method and for streams.",
    ),
    "limits:signal:one-setting": Requirement(
        "K1", "One setting for clients that take one way only; the draft fields can be left out."
    ),
    "limits:signal:one-truth": Requirement(
        "design §4, K1",
        "An error stands in structuredContent except where an older client would hold it against a schema.",
    ),
    "limits:refused:costs-no-tool": Requirement(
        "C39", "What is refused for any reason takes nothing of a tool's own limit; no unknown tool makes an entry."
    ),
    "limits:refused:count-for-whoever-asks": Requirement(
        "C38, RL-01, RL-02",
        "Whatever a valid credential asks is a request of its login, person, application and tenant, refused or not, each message of it.",
    ),
    "limits:refused:lock-nobody-out": Requirement(
        "C39, attacker",
        "What was refused to a stranger, or to nobody, takes nothing of a tool, of the whole server or of another tenant.",
    ),
    "limits:tenants:own-limit-own-bucket": Requirement(
        "C37, C39, TN, attacker",
        "A limit that a tenant's operators lay down is counted for that tenant alone, whoever they say it is of; the author's stay the author's.",
    ),
    "limits:tenants:own-cost-own-bucket": Requirement(
        "C37, C39, attacker",
        "A cost that a tenant's operators lay down is paid by that tenant; where all count together the author's holds.",
    ),
    "limits:tenants:own-cap-own-seats": Requirement(
        "C39, attacker", "A cap that a tenant's operators lay down holds that tenant's calls and nobody else's."
    ),
    "limits:running:whose": Requirement(
        "issue, C37, C39, C41",
        "How many run at once is capped per person, login, application, tenant or server, of one tool or of all, all or none, read strictly.",
    ),
    "limits:batch:each-message-counts": Requirement(
        "RL-01", "Each message of a batch counts, and a batch runs whole or not at all."
    ),
    "limits:cost:weighs": Requirement("C37", "A call that costs five counts as five of every limit."),
    "limits:off": Requirement("C37", "Limits are on unless the code says None, and doctor says so."),
    "limits:signals:who-and-which": Requirement(
        "C43, RL-06", "A refusal is told with caller, tool and limit, and nothing a caller wrote."
    ),
    "limits:reported:counts-of-tools-and-tenants": Requirement(
        "C43, RL-06",
        "An operator sees at the issuer how often which limit of which tool was met in their tenant, in the log, the command line, the admin API "
        "and the console; nothing names a person or a call.",
    ),
    "limits:reported:only-of-its-own-tenants": Requirement(
        "C43, attacker", "A server tells of limits met in tenants that it is heard for, and of no others."
    ),
    "limits:reported:read-strictly": Requirement(
        "C43, LG-01", "What a server tells of limits is read strictly, and refused whole in any other form."
    ),
    "limits:reported:costs-no-acknowledgement": Requirement(
        "decision 14, ours",
        "Telling is bounded and best effort, and an issuer of an earlier version still hears what a server has applied.",
    ),
    "limits:running:at-most": Requirement(
        "issue, C39", "No more calls of a tool run at once for one person than is allowed."
    ),
    "limits:running:a-seat-comes-back": Requirement(
        "issue, C39", "A seat is free again however a call ends, and when it is refused."
    ),
    "limits:running:of-approved-calls": Requirement(
        "issue, C39", "An approved call holds its seat while it runs and no longer."
    ),
    "limits:approval:nobody-is-asked-in-vain": Requirement(
        "decision 18", "Where there is no room for a call, no person is asked about it."
    ),
    "limits:approval:counted-once": Requirement(
        "decision 18",
        "A call that waits for a yes is counted once, when it begins: not for questions, retries, replays or legs.",
    ),
    "limits:approval:what-does-not-begin-costs-nothing": Requirement(
        "decision 18, C39", "A yes that could not be spent costs no room."
    ),
    "limits:approval:a-yes-is-not-spent-on-a-refusal": Requirement(
        "decision 13, decision 18", "A limit that is met spends no yes."
    ),
    "limits:approval:requests-count": Requirement("C38", "Asking again about an approval is a request as any other."),
    "limits:attacks:nothing-gives-a-second-budget": Requirement(
        "RL-01, C38, C44",
        "No login, session, token, registration, address or batch of a person gives more than one budget.",
    ),
    "limits:attacks:another-spelling-is-no-tool": Requirement(
        "RL-01", "Another spelling of a tool is an unknown tool, and counts nowhere."
    ),
    "limits:attacks:parallel": Requirement(
        "RL-02", "A thousand calls at the same moment let exactly the limit through."
    ),
    "limits:attacks:nothing-hides-in-a-key": Requirement(
        "LG-01, C38", "What is kept about callers names none of them."
    ),
    "limits:example:holds": Requirement(
        "C37, issue", "Queries 30 in 60 s, e-mails 5 an hour, deletions 3 an hour: as the example says."
    ),
    "limits:endpoints:each-is-stated": Requirement(
        "decision 12, issue", "Each route of ours says who counts together and how often."
    ),
    "limits:endpoints:a-flood-ends-in-429": Requirement(
        "decision 12, issue",
        "A flood of any endpoint ends in 429 with Retry-After for whoever floods, and for nobody else.",
    ),
    "limits:gcra:says-what-a-bucket-says": Requirement(
        "C37, C41, RL-05",
        "Admission, what is left and when to come again are those of a bucket that is refilled moment by moment.",
    ),
    "limits:gcra:never-more-than-stated": Requirement(
        "C41, RL-05",
        "In no time more than the limit at once and what the time refills; no edge lets a second burst through.",
    ),
    "limits:gcra:a-clock-that-goes-back-gives-nothing": Requirement(
        "RL-05", "A clock that is set back gives no burst and locks nobody out."
    ),
    "limits:store:all-or-none": Requirement(
        "C39", "What one limit refuses is counted by none, and the longest wait is named."
    ),
    "limits:store:looks-and-gives-back": Requirement(
        "decision 18", "Looking counts nothing; what did not begin is given back, and never more than was taken."
    ),
    "limits:store:a-stricter-limit-finds-what-was-counted": Requirement(
        "C37", "A limit that is tightened begins with what was used under the milder one."
    ),
    "limits:store:bounded": Requirement("C38", "Memory is bounded; what is owed no longer is forgotten first."),
    "limits:store:exact-between-threads": Requirement(
        "RL-02", "A thousand callers in several threads get exactly the limit."
    ),
    "limits:store:seats": Requirement("issue, C39", "Seats are all or none, and come back once."),
    "limits:words:read-strictly": Requirement("C37", "A limit that means nothing stops the start, with the cure."),
    "limits:words:a-cost-that-cannot-be-paid": Requirement(
        "C37", "A call that costs more than a limit allows stops the start."
    ),
    "limits:defaults": Requirement(
        "C37, C38, C39",
        "60 a minute for whoever asks; by class 60, 30 a minute and 3 an hour; an author's own limit before its class's.",
    ),
    "limits:layers:only-tighten": Requirement(
        "C37, C40", "No file and no overlay lets more through than there was without it."
    ),
    "limits:doctor:says-what-holds": Requirement(
        "C66", "A guard says how often each tool may be called, and what is not limited."
    ),
    "limits:keys:whose-it-is-and-nothing-else": Requirement(
        "C38, C44, LG-01",
        "A key follows from who counts together and names nobody: no session, no address, nothing normalised.",
    ),
    "limits:signals:logged-without-a-flood": Requirement(
        "C43, RL-06",
        "Each refusal is heard by whoever watches, and logged with caller, tool and limit without a flood.",
    ),
}


LIMIT_STORES: dict[str, Requirement] = {
    "limits:stores:all-or-none": Requirement(
        "C39, C42, ours",
        "In Valkey, PostgreSQL and SQLite alike, all limits of a call count it or none does; the longest wait is the one named.",
    ),
    "limits:stores:agree-with-the-process": Requirement(
        "C37, C41, ours",
        "Every shared store answers random calls (weights, several limits, time passing, peeks, given back) as one process would.",
    ),
    "limits:stores:peeking-writes-nothing": Requirement(
        "decision 18", "Looking whether there is room leaves no trace."
    ),
    "limits:stores:too-dear-is-never": Requirement(
        "C37, ours", "What costs more than a limit ever allows is refused for ever, and leaves no trace."
    ),
    "limits:stores:no-edge": Requirement(
        "RL-05, C41", "There is no window, hence no edge at which a second burst begins."
    ),
    "limits:stores:clock-set-back": Requirement(
        "RL-05",
        "A store's clock that is set back gives no burst, and locks nobody out for longer than the limit's own time.",
    ),
    "limits:stores:seats": Requirement(
        "C37, RL-02", "No more run at once than may, in a race too; whoever dies gives the seat up within its life."
    ),
    "limits:stores:a-thousand-at-once": Requirement(
        "RL-02",
        "Of a thousand at once exactly the limit gets through a shared store, and none is told that it is away.",
    ),
    "limits:stores:forgets": Requirement("ours", "What is owed no longer is forgotten by itself."),
    "limits:stores:flushed": Requirement("R-04, ours", "A flushed store gives one fresh burst, and exactly one."),
    "limits:stores:cluster": Requirement("ours", "All keys of one call lie in one slot of a Valkey cluster."),
    "limits:stores:wrong-data": Requirement("R-04", "Nonsense in the store counts as everything, and heals by itself."),
    "limits:away:reads-on-a-share-writes-closed": Requirement(
        "R-04, C38, C43",
        "While the store is ended, hangs or is slow, writes are refused and reads have limit / expected_instances here, at once and "
        "within the timeout; it is back by itself, and each turn is said once.",
    ),
    "limits:away:comes-and-goes": Requirement(
        "RL-02, R-04, ours", "A store that is made to come and go gives one share in all, not one each time."
    ),
    "limits:away:restarted": Requirement(
        "R-04", "A store that was restarted is asked on new connections at once, its scripts are sent again."
    ),
    "limits:away:hangs-hold-little": Requirement(
        "R-04, ours",
        "A hanging store holds no more connections and tasks than it has lanes, whoever waits gives up in time.",
    ),
    "limits:away:gone-is-not-counted": Requirement(
        "ours", "A caller who goes away while a seat is taken leaves none behind."
    ),
    "limits:away:in-a-guard": Requirement(
        "C38, R-04, design §4",
        "A guard whose store is away answers writes with control_plane_stale in the tool's result and Retry-After, serves reads on "
        "its share, and doctor() says so.",
    ),
    "limits:shared:a-thousand-over-four-processes": Requirement(
        "RL-01, RL-02, C38",
        "Four real guard processes on one Valkey and on one PostgreSQL let through what one would, of a thousand at once and by any "
        "connection, login, token, application or spelling; after a flush once more.",
    ),
    "limits:shared:sessions-of-an-sdk-server": Requirement(
        "RL-01, C38",
        "New sessions of a server of the official SDK, at any process, by refreshed tokens, have one budget.",
    ),
    "limits:shared:away-under-four-processes": Requirement(
        "RL-02, R-04, C38",
        "With the store ended, hung or two seconds late, four processes let through no more than their shares and no write, and count on when it is back.",
    ),
    "limits:shared:a-killed-process-frees-its-seats": Requirement(
        "RL-02, C39, R-01", "The seats of a process that was killed are free within the life of a seat, and not before."
    ),
    "limits:downstream:is-heard-as-rate-limited": Requirement(
        "C40, C42",
        "A tool over the limit of an API below answers `rate_limited` with retry_after_s, behind the official SDK and FastMCP alike; "
        "what a tool caught stays its own.",
    ),
    "limits:downstream:everything-is-counted": Requirement(
        "C40",
        "Redirects, repeated logins and retries to an API are counted, and no option of the client goes past the count.",
    ),
    "limits:downstream:waits-in-bounds": Requirement(
        "C40", "A request waits for its turn only as long as its author said."
    ),
    "limits:downstream:whose": Requirement(
        "C40, C38", "A limit of an API that counts per tenant counts the tenant of the call, and nobody outside one."
    ),
    "limits:stores:tables": Requirement(
        "ours", "The tables are made once however many processes prepare them; a missing one says its cure."
    ),
}


OUTPUT: dict[str, Requirement] = {
    "output:no-channel-leaks:at-the-issuer": Requirement(
        "C34, C44, issue",
        "Canaries in the arguments and the answer of an approved, recorded call stand in no row, log or file in clear.",
    ),
    "output:unasked:learned-words": Requirement(
        "C34, issue",
        "What was masked in a person's answers is masked in what the server says to them unasked, in every form of it.",
    ),
    "output:unasked:names-of-all-tools": Requirement(
        "C34", "Unasked, a member that any tool's schema annotates is masked; where no tool is known no text leaves."
    ),
    "output:unasked:of-one-person": Requirement("ours", "What one person's answers taught counts for nobody else."),
    "output:unasked:outside": Requirement(
        "C25",
        "What is said unasked comes from outside as soon as one tool of the caller's does; what says nothing taints nobody.",
    ),
    "output:unasked:screening": Requirement("C33", "What is said unasked is screened as the gravest tool is."),
    "output:unasked:bounded": Requirement(
        "ours",
        "Tasks, requests and words are remembered in bounded numbers and times; what had to be forgotten does not leave.",
    ),
    "output:unasked:task-errors": Requirement("C34", "Why a task failed is looked through as what its tool answers."),
    "output:known-words:however-written": Requirement(
        "C34, LG-05",
        "What was masked in the structure is found elsewhere in any case, Unicode form, entity, escape, percent sign or base64.",
    ),
    "output:known-words:words-of-the-protocol": Requirement(
        "C34", "A secret that is also a word of the protocol is masked wherever the protocol itself does not say it."
    ),
    "output:known-words:own-members": Requirement(
        "ours", "A tool's own member `base64` under `data` or `blob` leaves as it is."
    ),
    "output:known-words:linear": Requirement(
        "C34, issue", "Many masked values that begin alike take time in proportion to the answer."
    ),
    "output:schema-forms:annotations-hold-in-every-form": Requirement(
        "C34",
        "An annotation of any kind, also one in a word that nobody knows, masks under every keyword of 2020-12 and draft 7, by either library.",
    ),
    "output:schema-forms:masked-rather-than-withheld": Requirement(
        "ours",
        "What is annotated in a form that can be followed leaves masked; only what cannot be followed is withheld.",
    ),
    "output:schema-forms:trusted-where-it-surely-holds": Requirement(
        "C34", "A text is spared by its schema only where that schema surely holds, by the dialect of its document."
    ),
    "output:schema-forms:of-all-that-is-inside": Requirement(
        "C34", "An annotation of an object or a list hides numbers and codes inside it as well."
    ),
    "output:schema-forms:many-names": Requirement(
        "C34, ours", "Names that meet patterns in too many ways stop their own answer, and no later one."
    ),
    "output:ids:an-answer-is-its-own-calls": Requirement(
        "C34, RS-31",
        "An answer is looked through as that of its own call: an id that is in use is refused, and what cannot be read stays.",
    ),
    "output:personal:only-what-surely-holds-is-typed": Requirement(
        "C34",
        "A text is trusted only where the schema says under all circumstances what it is, and a pattern only if it takes no words.",
    ),
    "output:padding:hides-nothing": Requirement(
        "C32, C33, C31",
        "Padding hides no orders: what is beside the content is cut as well, and what nobody reads is a sign.",
    ),
    "output:padding:known-words-stay-linear": Requirement(
        "C34, LG-04", "Finding again what a schema has masked costs no more for a thousand words than for each of them."
    ),
    "wire:strict-json:short-way": Requirement(
        "RFC 8259 §4, RFC 8725 §2.4, ours",
        "A message is read in a faster way only where it is written, byte by byte, as its one reading would be written.",
    ),
    "output:sealed:what-needs-no-look": Requirement(
        "C35, C36",
        "A structure of which the schema says every text leaves after one look; it is what every step would have left as it is.",
    ),
    "output:declared:undeclared-members-are-dropped": Requirement(
        "C35",
        "Members that the output schema does not name are dropped, at every level where it says which members there are (C36).",
    ),
    "output:declared:the-text-is-rebuilt": Requirement(
        "C34", "Text that mirrors the structure, as SDKs write it, is written anew from what is left of the structure."
    ),
    "output:declared:what-does-not-conform-is-withheld": Requirement(
        "C36",
        "A result that is not what its output schema says, or whose schema nobody can follow, is withheld as a typed error.",
    ),
    "output:personal:masked-by-the-schema": Requirement(
        "C34", "What `x-pii` or `x-secret` stands at in the output schema is masked, in its type and form."
    ),
    "output:personal:masked-wherever-it-stands": Requirement(
        "C34",
        "What was masked in the structure is masked in text, resources, links, files and `_meta` of the same answer.",
    ),
    "output:personal:free-text-is-searched": Requirement(
        "C34, C32",
        "Text that no schema describes is freed of hidden characters, then searched for personal data and secrets.",
    ),
    "output:personal:typed-texts-are-not-read": Requirement(
        "ours",
        "A text that can only be what its schema says is not searched; a schema that says little of it does not spare it.",
    ),
    "output:personal:errors-are-searched": Requirement(
        "C34", "A tool's error is masked as its results are, and nothing in it counts as typed."
    ),
    "output:personal:the-protocols-own-words": Requirement(
        "C34, MCP 2026-07-28 serverInfo, JSON-RPC 2.0 §5.1",
        "Whatever tools call personal, a server's own name and the protocol's own error codes stay; what a tool writes in their places does not.",
    ),
    "output:personal:whatever-json-says": Requirement(
        "ours",
        "What a tool says may be any JSON: a member that the protocol has as a word may be a list or an object there.",
    ),
    "output:personal:forms-keep-their-fields": Requirement(
        "C34, MCP Elicitation",
        "A form that asks for what a tool calls personal keeps its fields, their types and bounds; what it proposes is masked.",
    ),
    "output:include-pii:only-where-the-token-may": Requirement(
        "C34",
        "`include_pii` is advertised and taken only for tools that return personal data and tokens that may see it.",
    ),
    "output:include-pii:shows-personal-data-and-no-secret": Requirement(
        "C34",
        "With scope and `include_pii: true` personal data is shown, secrets are not, and the server never sees the switch.",
    ),
    "output:no-channel-leaks:every-channel": Requirement(
        "C34, LG-05",
        "What a token may not see leaves through no member of an answer, error, notification or request, in either form and era.",
    ),
    "output:no-channel-leaks:files-that-are-none": Requirement(
        "C34",
        "What stands in the place of a file and is no base64, or only to some readers, is looked through or withheld.",
    ),
    "output:no-channel-leaks:what-cannot-be-read": Requirement(
        "ours", "An answer that two readers could read differently is withheld, and its caller is told."
    ),
    "output:no-channel-leaks:tasks": Requirement(
        "C34", "What comes of a task is looked through as the call that began it."
    ),
    "output:no-channel-leaks:batch": Requirement("C34", "Each reply of a batch is looked through by its own call."),
    "output:no-channel-leaks:streams-of-a-session": Requirement(
        "C34", "An answer that a session repeats is looked through again, by the rights its caller has now."
    ),
    "output:no-channel-leaks:generated": Requirement(
        "C34", "No generated answer to a generated tool leaks a canary, in the response, the log or the record."
    ),
    "output:no-channel-leaks:approved-calls": Requirement(
        "C34", "What the issuer keeps of an approved call is what left: no more than its caller may see."
    ),
    "output:no-channel-leaks:real-servers": Requirement(
        "C34", "The official SDK and FastMCP leak nothing through the texts that they write themselves, in either era."
    ),
    "output:short:ten-thousand-characters": Requirement(
        "C32",
        "An answer longer than 10,000 characters is shortened, stays JSON of its schema, and says so; errors and logs too.",
    ),
    "output:plain:what-nobody-sees-goes": Requirement(
        "C32", "Hidden characters, escape sequences and the delimiters of chats leave in no text, structured or not."
    ),
    "output:files": Requirement("C34", "Files pass or are refused as configured; one that is text is read as text."),
    "output:unchanged-bytes": Requirement(
        "ours", "An answer in which nothing had to change leaves as the server's own bytes."
    ),
    "output:off": Requirement("ours", "A guard with `output=None` lets answers leave as they are."),
}


SCREENING: dict[str, Requirement] = {
    "screening:screen:through-a-guarded-app": Requirement(
        "C31, C33",
        "A screen is asked about what is about to leave of a guarded server, and what it sees counts like a pattern's sign.",
    ),
    "screening:screen:adds-alone": Requirement(
        "C33", "A screen takes no sign of the patterns away, and says no sentence."
    ),
    "screening:screen:required": Requirement(
        "C33",
        "Where a screen is required and silent, what would be quarantined or blocked is; elsewhere the answer says so.",
    ),
    "screening:hints-of-what-was-removed": Requirement(
        "C32, C33", "What was removed from an answer as hidden counts when it is screened."
    ),
    "screening:mask:keeps-nothing-of-a-person": Requirement(
        "C34", "A mask keeps no digit, letter or street of a person, and a mask of a mask is the same mask."
    ),
    "screening:redaction:is-stable": Requirement("C34, ours", "What is redacted twice is redacted once."),
    "screening:redaction:touches-nothing-else": Requirement(
        "ours", "A text in which nothing is found leaves as the server wrote it."
    ),
    "screening:redaction:secrets-always": Requirement(
        "C34, C47", "Whoever may see personal data still sees no secret."
    ),
    "screening:redaction:disguises": Requirement(
        "LG-05, C47", "Hidden characters, encodings, entities, JSON in a text and pieces in a list hide no secret."
    ),
    "screening:shortening:says-so": Requirement(
        "C32", "What is longer than 10,000 characters is cut, says so, and is not cut again."
    ),
    "screening:shortening:whole-letters": Requirement(
        "C32", "No text ends in the middle of a letter as a reader sees it."
    ),
    "screening:shortening:keeps-the-schema": Requirement(
        "C32, C36",
        "A shortened structure is JSON and keeps to its schema; where that cannot be, an error leaves in its place.",
    ),
    "screening:shortening:bounded": Requirement(
        "C32, ours", "The work for an answer of any size follows from what may leave."
    ),
    "screening:redaction:nothing-is-left": Requirement(
        "C34, C47", "Of what is marked in the labelled texts nothing is left after redaction."
    ),
    "screening:corpus:is-large": Requirement(
        "issue, C31, C34", "Every detector and every sign has labelled texts, some held out."
    ),
    "screening:corpus:precision-and-recall": Requirement(
        "issue, C31, C34",
        "Each detector and each sign is right in 19 of 20 cases and finds nine of ten; the figures are published.",
    ),
    "screening:corpus:false-alarms": Requirement(
        "issue", "Of ordinary texts at most one in a hundred is touched or called hostile."
    ),
    "screening:plain:is-stable": Requirement("C32", "What was made plain is plain, however it was nested."),
    "screening:plain:removes-what-nobody-sees": Requirement(
        "C32, LG-01",
        "Hidden characters, escape sequences, delimiters, comments and image beacons are removed and counted.",
    ),
    "screening:plain:damages-nothing": Requirement(
        "ours", "Scripts, emoji, source and plain pictures stay as they are."
    ),
    "screening:signs:are-hints": Requirement("C31", "One plain order makes a text hostile; hints must come together."),
    "screening:signs:checklist": Requirement(
        "C31", "Every pattern of the checklist is a sign, in any case, spacing and width."
    ),
    "screening:screen:cannot-hold-up": Requirement(
        "C31", "A screen of one's own adds signs; where it fails or hangs the text goes on."
    ),
    "screening:linear": Requirement(
        "LG-04, CVE-2026-0621",
        "No text makes a detector, the removal or a sign take more than its length's share of time.",
    ),
    "screening:sieve": Requirement(
        "ours, C31, C32, C34",
        "One look for the words of all patterns saves time and decides nothing: every text means the same with it and without.",
    ),
    "screening:redaction:names": Requirement(
        "LG-05, C47",
        "What stands under the name of a secret is masked at any depth and in any spelling; page tokens stay.",
    ),
}


TAINT: dict[str, Requirement] = {
    "taint:person:whole": Requirement(
        "C24, C25, issue",
        "Text from outside counts for the person, in every login, application and session they have in that tenant, and for nobody else.",
    ),
    "taint:window": Requirement(
        "C25, issue",
        "Writes wait for the stated time after the last such result; a call that was held stays held while somebody may be deciding about it.",
    ),
    "taint:bounded": Requirement(
        "C25",
        "What is remembered is bounded, and what had to be forgotten counts as given.",
    ),
    "taint:spares": Requirement("C25, issue", "A tool that its author spares never waits for it."),
    "taint:shared": Requirement(
        "C25, issue",
        "Through a shared store of limits other processes know of it for as long, and a store that is away counts as given.",
    ),
    "taint:told-or-closed": Requirement(
        "C24, C25, R-04, attacker",
        "No word from outside leaves before the store has heard of it or failed to answer; then writes wait here, whoever cannot hear takes it "
        "as given, and it is told until it is heard.",
    ),
    "taint:writes-wait": Requirement(
        "C24, C25, C33, issue",
        "After text from outside was handed to a person's agent, each call that writes waits for that person, who reads what it follows; "
        "reads go on, and no list of tools changes.",
    ),
    "taint:evasion": Requirement(
        "C25, attacker",
        "No other login, application, session, channel, clock or patience of the same person gets such a write through.",
    ),
    "taint:signs": Requirement(
        "C25, C32, issue", "What reads like orders holds the writes that follow it, whoever's tool said it."
    ),
    "taint:example": Requirement(
        "C24, C25, C33, ours",
        "Behind a guard at its defaults the example's ordinary calls are held nowhere, and each change after a ticket waits.",
    ),
    "taint:person-reads-it": Requirement(
        "C25, C33, AP-10",
        "The page of a call that follows text from outside says which tool fetched it, and when, in words of ours; the yes is for the same call.",
    ),
    "taint:earlier-yes": Requirement(
        "C25, issue", "A yes given beforehand covers no call that follows text which came after it."
    ),
    "quarantine:person-reads-it": Requirement(
        "C33, AP-10",
        "The page of a withheld answer shows the answer, and says that nothing runs again and what its application is handed.",
    ),
    "taint:alone": Requirement(
        "C25, decision 18",
        "A guard that has nobody to ask refuses such a write, or only labels, as its author chose, and says so.",
    ),
    "origin:decided": Requirement(
        "C33, issue",
        "A result is from outside by its author's label, by the hint of a tool that reads, or by its server's own warning; nothing makes it less.",
    ),
    "origin:label": Requirement(
        "C33, C32, issue",
        "Text from outside says so in its metadata and stands between lines that no text in it can close or imitate; anything else keeps its bytes.",
    ),
    "screening:modes": Requirement(
        "C32, C33, issue",
        "What reads like orders is noted, says so of itself, or never leaves, in results, errors and progress alike.",
    ),
    "screening:layers": Requirement("C32, issue", "A policy makes what becomes of it graver and never milder."),
    "screening:arguments": Requirement(
        "C31, issue", "Orders in arguments are a signal that refuses nothing and writes nothing of them down."
    ),
    "screening:quarantine:needs-somebody": Requirement(
        "C33, decision 18", "A quarantine from which nobody could release anything stops the start."
    ),
    "quarantine:withheld": Requirement(
        "C33, issue",
        "A withheld answer leaves by no channel and stands in no log, and nobody is asked before it is wanted.",
    ),
    "quarantine:released": Requirement(
        "C33, issue",
        "A person reads all of it; after the yes its caller is handed it once, the tool does not run again, and what writes after it waits.",
    ),
    "quarantine:bound": Requirement(
        "C33, decision 13",
        "The yes is for these very bytes, this caller and this call: nobody else, no other answer and no call gets through by it.",
    ),
    "quarantine:writes": Requirement(
        "C33", "What a call that wrote has answered is withheld for good: asked for again, it would be done again."
    ),
    "quarantine:read-as-it-is": Requirement(
        "C33", "Whoever releases an answer has read every text of it: also what looks like a file and is none."
    ),
    "quarantine:bounded": Requirement("C33", "What is withheld is bounded, and what nobody could read is not kept."),
    "taint:settings": Requirement("ours", "A setting of it that could not be kept stops the start, naming the cure."),
}


INVENTORY: dict[str, Requirement] = {
    "inventory:baseline:the-first-word-counts": Requirement(
        "C54, C16, design §4",
        "What an MCP server said of its tools first counts unseen; another definition, or another tool, waits until somebody has let it in.",
    ),
    "inventory:rollout:old-and-new-are-known": Requirement(
        "C54",
        "While a version is rolled out old and new definitions are both known, the old one counts, and nothing flaps.",
    ),
    "inventory:review:a-decision-acts-everywhere-or-in-one-tenant": Requirement(
        "C54, decision 22",
        "A platform operator lets a definition in, or keeps it out, for all tenants, a tenant's administrator for that tenant; who keeps out is heard first.",
    ),
    "inventory:review:is-recorded-and-announced": Requirement(
        "C53, C54",
        "A decision is recorded with the definition's hash and what was different, and every guard of the server hears of it at once.",
    ),
    "inventory:consent:what-waits-is-not-offered": Requirement(
        "C16",
        "A tool that waits is on no consent page and its scope in no token.",
    ),
    "attack:inventory:a-tenant-learns-of-no-other": Requirement(
        "TN-15, decision 22",
        "A definition is shown, and can be let in, only where it was listed; the platform's operators see all.",
    ),
    "attack:inventory:one-credentials-word": Requirement(
        "decision 22",
        "What a tenant's own server says of a shared resource begins no inventory of the others'.",
    ),
    "inventory:diff:a-person-can-read-it": Requirement(
        "C54",
        "New, changed, renamed and removed tools are told apart, with what is different field by field.",
    ),
    "inventory:observe:nothing-waits": Requirement(
        "ours",
        "Where tools are only observed nothing waits, and everything is kept and shown.",
    ),
    "attack:inventory:no-disk-is-filled": Requirement(
        "ours",
        "A server that describes its tools differently each time fills no disk, and pushes out nothing that counts.",
    ),
    "attack:inventory:read-strictly": Requirement(
        "ours",
        "A definition that is not what its hash says is refused, so that nobody is shown one thing and gets another.",
    ),
    "inventory:cli:an-operator-reads-and-decides": Requirement(
        "C54",
        "`authserver tool review` shows what each tool has become, hidden characters made visible, and decides about it, here and remotely.",
    ),
    "inventory:record:every-event-names-the-definition": Requirement(
        "C53, C45",
        "Every event about a call of a tool, or about what a tool is, says which tool and by its hash what that was then.",
    ),
    "inventory:record:every-line-of-the-guard-names-the-definition": Requirement(
        "C43, C53",
        "Every line that a guard logs of a call says the tool and the hash of its definition, where anybody had to look.",
    ),
    "inventory:unused:tools-after-thirty-days": Requirement(
        "C54",
        "A tool of which no call was let through in a tenant for 30 days, or since it was named, is shown as unused there; one that was taken away is not.",
    ),
    "inventory:unused:nobody-is-told-too-early": Requirement(
        "ours",
        "A tool counts as unused only where its guard says which are used, and not before it has said so for as long.",
    ),
    "attack:unused:a-tenant-learns-of-no-other": Requirement(
        "decision 22, TN-15",
        "Another tenant's use of a tool says nothing to this one, and a server is believed about the tenants it is heard for, and up to today.",
    ),
    "inventory:unused:a-guard-tells-days-and-nobody": Requirement(
        "C54",
        "A guard tells its issuer on which day a call of a tool was let through for a tenant: once a day, nothing finer, and never of whom.",
    ),
    "inventory:unused:read-strictly": Requirement(
        "ours",
        "A report that says a day of use, or a last day, otherwise than as a day is refused whole.",
    ),
    "inventory:unused:authorizations": Requirement(
        "C54",
        "An authorization is used when a token of it is made, or comes back to the server; after 30 days without it is shown as unused.",
    ),
    "inventory:unused:shown-and-ended": Requirement(
        "C54",
        "Operators see what nobody uses at the command line, here and remotely, over the admin API and in the console, with a way to end it.",
    ),
    "inventory:sunset:said-beforehand": Requirement(
        "C53",
        "A tool with a last day says it in the list and in each answer, in `_meta`, without another word of it changed; its server's own word is not repeated.",
    ),
    "inventory:sunset:then-it-is-gone": Requirement(
        "C53",
        "From the first second after its last day a tool is as one that never was, while the version beside it goes on; at consent too.",
    ),
    "inventory:sunset:read-strictly": Requirement(
        "ours",
        "A last day that is no date stops the start, naming the tool and the form.",
    ),
    "inventory:lock:examples-are-locked": Requirement(
        "C54",
        "The examples' tools are those of the lock files beside them, which CI compares.",
    ),
    "inventory:lock:any-difference-stops-a-build": Requirement(
        "C54",
        "`python -m resource_lib inventory --check` names each tool that is new, changed, renamed or gone, field by field, and ends with 1.",
    ),
    "inventory:lock:fails-closed": Requirement(
        "C54",
        "A lock file that is missing, of another form or edited by hand, and a list that cannot be read, compare nothing: 2.",
    ),
    "inventory:lock:a-server-elsewhere": Requirement(
        "ours",
        "A server at a URL is asked with a token from a file, over TLS or on loopback, and no redirect is followed.",
    ),
    "attack:inventory:no-other-version-is-selected": Requirement(
        "C53",
        "Of a tool of which a server keeps several versions under one name a caller reaches the one that is listed, whatever the call's `_meta` selects.",
    ),
    "inventory:pin:a-client-names-what-it-tested": Requirement(
        "C53",
        "A call whose `_meta` names the hash of what its client was tested with runs as that alone.",
    ),
    "inventory:console:an-operator-decides": Requirement(
        "C54",
        "The console says how many tools wait, shows what is different as text, and decides about exactly what was shown.",
    ),
    "inventory:approvals:a-yes-is-to-what-counts": Requirement(
        "C54, decision 13",
        "Nobody is asked about a definition that waits, and a yes to one that was rejected since is void when it is spent.",
    ),
    "inventory:report:whole-and-bounded": Requirement(
        "C54, design §4",
        "A guard tells its issuer each definition once and whole, in which tenants it was listed, again until it was heard, and in bounded parts.",
    ),
    "inventory:guard:what-waits-does-not-exist": Requirement(
        "C53, C54, C16, decision 11",
        "A guard refuses a tool that is another than was let in exactly as an unknown one, hides it from lists, and from its first second on.",
    ),
}


LINT: dict[str, Requirement] = {
    "lint:annotations-that-mean-nothing-are-named": Requirement(
        "C34", "An annotation in a word that is none of ours is named, wherever in the output schema it stands."
    ),
    "lint:ordinary-tools-are-left-alone": Requirement(
        "C26", "A tool that is well made gives the linter nothing to say, whatever its arguments are called."
    ),
    "lint:risky-tools-are-named": Requirement(
        "C18, C22, C26, C27, C29, C30, C34, C35, C36",
        "Raw SQL, commands, open paths and hosts, selected tenants, missing bounds, whole rows and generic tools are named.",
    ),
    "lint:counts-are-published": Requirement("ours", "How often the linter is right and wrong is published, and true."),
    "lint:nothing-hides-in-a-schema": Requirement(
        "C27", "What an argument may be is found behind references, alternatives, lists and objects."
    ),
    "lint:never-raises": Requirement(
        "ours", "A tool's list that makes no sense, or has no end, stops no linter and no guard."
    ),
    "lint:waivers-are-explicit": Requirement("C26", "One rule is let be at one tool or argument, with a reason."),
    "lint:waivers-that-match-nothing-are-found": Requirement(
        "ours", "A waiver that matches nothing is a finding itself."
    ),
    "lint:rules-are-one-visible-table": Requirement(
        "C26", "Each rule says why it matters, what cures it, and which control asks for it."
    ),
    "lint:guards-say-it-at-the-start": Requirement(
        "C26", "A guard says what to mend when it is made, in doctor() and in one line of the log."
    ),
    "lint:guards-say-it-when-tools-are-listed": Requirement(
        "C26, C54", "A tool that is new, or has changed, is looked at when it is first listed."
    ),
    "lint:error-stops-the-start": Requirement(
        "C26", 'With lint="error" a server with something to mend, or that nobody could look at, does not start.'
    ),
    "lint:changes-no-decision": Requirement("decision 18", "What the linter finds changes no answer to a caller."),
    "lint:command": Requirement(
        "C26, C54",
        "`python -m resource_lib lint` looks at servers, guarded apps and files, and is green only when it has looked.",
    ),
    "safe:paths:stay-inside": Requirement(
        "C30, CWE-22", "A name that could lead out of its folder, or be a device, is refused on every system."
    ),
    "safe:paths:links-lead-nowhere": Requirement(
        "C30, CWE-59, CWE-367", "No link is followed, also where a folder becomes one while it is opened."
    ),
    "safe:paths:plain-files-alone": Requirement(
        "C30", "Only plain files are opened, bounded, and kept unless said otherwise."
    ),
    "safe:sql:values-are-bound": Requirement(
        "C29, CWE-89", "A value is bound, whatever is in it, in each driver's own form."
    ),
    "safe:sql:names-are-chosen": Requirement(
        "C26, C29", "A table or column is one of the author's list, letter by letter."
    ),
    "safe:sql:formatting-is-refused": Requirement(
        "C29", "A statement with a literal, a comment or a second one is not made."
    ),
    "safe:processes:arguments-stay-arguments": Requirement(
        "C26, CWE-78, CWE-88", "What a shell would read is a text, and an option of the caller is none."
    ),
    "safe:processes:programs-are-named": Requirement(
        "C26", "Shells, launchers and names without a path are no programs."
    ),
    "safe:processes:see-little-and-end": Requirement(
        "CWE-400, CWE-526", "A program sees no environment of ours, and ends in time with all it has started."
    ),
    "safe:requests:values-stay-in-their-place": Requirement(
        "C29, CWE-74", "A value of a path or a query means nothing but itself to whoever parses the URL."
    ),
    "safe:requests:headers-have-one-line": Requirement(
        "C29, CWE-93", "A header value holds no line break, in no spelling."
    ),
    "safe:requests:the-author-chooses-the-host": Requirement(
        "C29, CWE-918", "No value reaches a host or its credentials."
    ),
    "safe:prompts:values-cannot-close-their-delimiter": Requirement(
        "C29, C33", "What goes into a prompt ends where its delimiter ends, and holds no token of a chat."
    ),
    "safe:hosts:known-hosts-alone": Requirement("C29, CWE-918", "Only known hosts, ports and schemes are asked."),
    "safe:hosts:inside-is-refused": Requirement(
        "C29, CWE-918, CWE-350",
        "A known name that leads inside is not dialled, and what was checked is what is dialled.",
    ),
    "safe:hosts:redirects-do-not-leave": Requirement(
        "C29, CWE-918", "A redirect passes the same checks, or is not followed."
    ),
    "safe:hosts:tls-is-of-the-name": Requirement(
        "RFC 9525", "TLS is verified for the name although an address is dialled."
    ),
    "probe:a-guard-refuses-everything": Requirement(
        "C54, C56, C07, C08", "A guarded server refuses every forbidden call of a probe, and none of its tools runs."
    ),
    "probe:what-is-not-refused-is-said": Requirement(
        "C54, C56", "An unguarded server, one that takes any token and one that checks no arguments are each found."
    ),
    "probe:fails-closed": Requirement(
        "C56",
        "What could not be asked is never said to be refused, and where nothing could be asked the command fails.",
    ),
    "probe:tokens-are-weak-and-recorded": Requirement(
        "decision 15, C46", "A probe's tokens are of nobody, for one server and a minute, and are in the record."
    ),
    "probe:authors-ask-their-own-server": Requirement(
        "C54, C07, C08",
        "`python -m resource_lib probe` asks a server as a stranger, and with a token for what no token may do; it fails closed.",
    ),
}


CONTROLS: dict[str, Requirement] = {
    "controls:every-one-is-stated": Requirement(
        "C66", "Each of the 66 controls says who keeps it, whether by default, and where."
    ),
    "controls:check-says-which-the-deployment-keeps": Requirement(
        "C66",
        "`authserver check --controls` says of each control whether this deployment keeps it, and which setting leaves it out.",
    ),
    "controls:shown-by-tests": Requirement(
        "C66", "Each control that we say we keep is shown by a test that docs/controls.md names."
    ),
    "controls:threat-model": Requirement(
        "C64", "The threat model says what is worth stealing, who might, where they come in, and what remains."
    ),
    "controls:presets": Requirement(
        "C66",
        "Everything is on where nothing is said; the preset `minimum` keeps the smallest safe set; both are reported.",
    ),
    "logs:guard:one-event-is-one-line": Requirement(
        "LG-01, CWE-117",
        "No word of a caller, a token or the wrapped server makes a line of its own in what a guard logs, or fills its disk.",
    ),
    "example:personal-data:is-masked-unless-asked-for": Requirement(
        "C34",
        "The example that everybody copies masks its customers, unless the token may see them and the call asks for it.",
    ),
    "controls:each-follows-what-is-said": Requirement(
        "C66", "Each control that a word of the guard or a finding of the linter decides changes its state with it."
    ),
    "rehearsal:a-guard-refuses-itself": Requirement(
        "C66, C54, C56, C07",
        "`guard.doctor()` and `guard.probe()` make forbidden calls at the guard in process; each is refused, and the server is not reached.",
    ),
    "rehearsal:what-is-not-refused-is-said": Requirement(
        "C66, C54, C56",
        "What a guard lets through, and what could not be asked, stands in its report and in its log at the start.",
    ),
    "rehearsal:leaves-nothing-behind": Requirement(
        "C66", "A rehearsal uses up no limit, teaches the guard nothing of tools and asks nobody for a yes."
    ),
    "controls:a-guard-says-which-it-keeps": Requirement(
        "C66",
        "What a guard leaves out is reported as off, with the cure; what others keep is never reported as its own.",
    ),
}


RECORD: dict[str, Requirement] = {
    "record:log:everything-is-sealed-and-provable": Requirement(
        "C49, RFC 9162 §2.1",
        "Every event becomes a leaf whose place, and every older root, is proved against a signed root.",
    ),
    "record:log:late-writers-are-sealed": Requirement(
        "decision 15", "What commits late is sealed, whatever its number."
    ),
    "record:log:many-sealers-seal-once": Requirement("AU-08", "Any number of processes seal each event once."),
    "record:log:the-platform-pins-every-log": Requirement(
        "AU-03", "The platform's log says how long each tenant's log is, and what its root is."
    ),
    "record:calls:one-row-for-each": Requirement(
        "C45, C47, K6", "What a server tells of a call is one row: header in the clear, people in the payload alone."
    ),
    "record:calls:exactly-once": Requirement("R-01", "An event that comes again, at once or later, is one row."),
    "record:calls:only-its-own-tenants": Requirement(
        "TN-05, AU-03",
        "A server tells of its own tenants alone, by its own credential, and never over another's event.",
    ),
    "record:calls:decisions-of-every-kind": Requirement(
        "C46, AU-07", "Refused, held, intended and observed calls are recorded with what was decided."
    ),
    "record:search:by-tool-call-approval-and-trace": Requirement(
        "C48", "A call is found by its tool, its trace, its approval, and with all that belongs to it."
    ),
    "record:erase:whoever-is-named": Requirement(
        "C50", "Whoever is named in a payload can be erased, however their name is written, and nobody else is."
    ),
    "record:erase:proofs-stay": Requirement(
        "AU-04, K7",
        "After an erasure every older checkpoint holds, and a receipt in the log covers exactly what is gone.",
    ),
    "record:erase:what-is-told-late-goes-too": Requirement(
        "C50", "What is told late of somebody who was erased is not kept."
    ),
    "record:erase:overtaken": Requirement(
        "C50",
        "What was being written while somebody was erased is erased as well, by what it named when it was taken and nothing else.",
    ),
    "record:calls:headers-are-short": Requirement(
        "decision 15", "What a server may write into a header, which nothing erases, is bounded as a whole."
    ),
    "record:log:tenants-take-turns": Requirement(
        "decision 15", "No log waits to be sealed for one in which more happens, nor for one that cannot be sealed."
    ),
    "record:erase:by-command": Requirement(
        "C50", "One command erases somebody everywhere, and first says how much that is."
    ),
    "record:payload:erased-says-so": Requirement(
        "decision 15, K7", "A payload whose key was destroyed says that it was erased; its header stays."
    ),
    "record:words": Requirement(
        "C45, C46, decision 15",
        "The words of a call's event are read strictly on both sides: what is unknown, contradicts itself or is read differently by two "
        "programs is refused by the name of its member, and one person has one form.",
    ),
    "record:tree:is-rfc-9162": Requirement(
        "RFC 9162 §2.1, C49, K7", "Roots and proofs are those that others compute over the same leaves."
    ),
    "record:tree:forged-proofs-fail": Requirement(
        "RFC 9162 §2.1.3.2, §2.1.4.2, C49", "No proof verifies but the one there is, of whatever shape it is."
    ),
    "record:tree:tiles": Requirement(
        "C2SP tlog-tiles", "What each round of sealing changes is what a proof of any leaf at any size reads."
    ),
    "record:note:is-c2sp": Requirement(
        "C2SP signed-note, C2SP tlog-checkpoint",
        "A signed text is read in one way or not at all; keys that nobody named count for nothing and disturb nothing.",
    ),
    "record:verify:names-the-first-row": Requirement(
        "AU-02, AU-04, C49, K7",
        "From an export, a key and a checkpoint alone: the first row that was edited, deleted, inserted, reordered, truncated or rewritten, "
        "or whose payload is another, is gone or is said to be erased and was not.",
    ),
    "record:verify:no-byte-can-be-changed": Requirement(
        "AU-02, C49",
        "No byte of an export can be changed, and no line dropped, doubled or moved, so that it is still verified.",
    ),
    "record:verify:parts-of-a-log": Requirement(
        "C49, R-15",
        "An export from a later row on, with pruned rows, with keys that changed, of an empty log: what is true is verified.",
    ),
    "record:verify:saved-checkpoints": Requirement(
        "AU-02, C49",
        "A saved checkpoint counts whether it is older or newer than the export, and one that cannot be compared is said to be so.",
    ),
    "record:verify:pins": Requirement(
        "AU-03, C49",
        "One checkpoint of the platform's log vouches for all logs: one that is gone, went back or was rewritten is named.",
    ),
    "record:database:tampering-is-named": Requirement(
        "AU-02, C49, K7",
        "Rows, payloads, leaves, tiles and checkpoints that somebody edits, deletes, inserts, swaps, truncates or rewrites in either database "
        "are named by an export and a saved checkpoint.",
    ),
    "record:database:rolled-back-is-seen": Requirement(
        "AU-03, C49",
        "A database that was put back, and a log that is gone, are seen by a saved checkpoint or the platform's pins.",
    ),
    "record:export:any-part-of-a-log": Requirement(
        "R-15, C49", "An export begins at any row, is verified as the whole is, and stands in the record itself."
    ),
    "record:export:command": Requirement(
        "R-15, C49",
        "`authserver audit export` writes a file for its owner alone, and `audit key` says what it is verified with.",
    ),
    "record:verify:command": Requirement(
        "R-15, C49",
        "`python -m resource_lib.verify` reads any size in little memory, packed or not, and ends with 0, 1 or 2.",
    ),
    "record:every-decision": Requirement(
        "C45, C46, C48, AU-07",
        "Each call is an event with who, by which client, login and token, what, every rule evaluated and what came of it; refused, held, "
        "limited and observed ones alike; resources that are read and prompts too.",
    ),
    "record:intent-first": Requirement(
        "decision 15, AU-05",
        "The intent of a write or destructive tool is durable before the tool runs; its outcome follows.",
    ),
    "record:commitments": Requirement(
        "K6, decision 15", "Arguments and results are committed to as they were sent, under a salt that can be erased."
    ),
    "record:redacted": Requirement(
        "C47, K6",
        "What is kept of arguments and results is redacted by schema and detectors, and everybody whom marked members name is a subject.",
    ),
    "record:result": Requirement(
        "C45, K12", "A result is kept as it left, at most 10,000 characters of it; a tool may leave content out."
    ),
    "record:endings": Requirement(
        "C45",
        "How a call ended is told as far as it is known: a stream that was cut and a server that crashed are not called done.",
    ),
    "record:tokens": Requirement(
        "K5, C46",
        "A refused token whose signature is good is recorded with its client, within a budget; anonymous refusals are counted.",
    ),
    "record:recent": Requirement(
        "K8", "The latest calls of a login are in memory, bounded and redacted, for the author's own eyes."
    ),
    "record:settings": Requirement(
        "ours", "What could not be kept as it was asked for stops the start, naming the setting and the cure."
    ),
    "record:spool:its-own": Requirement(
        "decision 15, CWE-59, CWE-732",
        "A spool that others may write into is refused, and nothing that is no file of its own is followed.",
    ),
    "record:spool:survives": Requirement(
        "R-01, AU-06",
        "What a process that was killed has written is told by the next one, in its order, once; living ones share nothing.",
    ),
    "record:spool:torn": Requirement(
        "R-01", "A tail that was torn at any byte ends a segment there: all before it is read, nothing else."
    ),
    "record:spool:unreadable": Requirement(
        "C09, C47",
        "Nothing of an event can be read in the spool's files, and their keys are overwritten once it was told.",
    ),
    "record:disk:full": Requirement(
        "R-07, AU-05",
        "A disk that is full or fails loses nothing that was kept, refuses writes clearly, and goes on by itself.",
    ),
    "record:issuer-away": Requirement(
        "R-01, R-07",
        "Ten minutes without the issuer lose nothing and double nothing; it is asked again with longer and longer pauses.",
    ),
    "record:exactly-once": Requirement(
        "R-01, AU-06",
        "Each event is kept once, through lost answers and killed processes; one that is not taken is named, and keeps no other.",
    ),
    "record:no-record-no-write": Requirement(
        "AU-05, R-07, decision 15",
        "What changes something and cannot be recorded does not run, uses up no limit and no yes, and says when to come again.",
    ),
    "record:killed": Requirement(
        "R-01", "Wherever a process is killed, no write has run without its intent on the disk."
    ),
    "record:approvals": Requirement(
        "C46",
        "A call that waits is held; it runs by a yes that its intent and outcome name; a person's no is a refusal.",
    ),
    "record:command": Requirement(
        "C48, ours",
        "`python -m resource_lib record` shows, follows and exports what a guard recorded; without an issuer that is the record.",
    ),
    "record:telemetry": Requirement(
        "ours",
        "Calls become OpenTelemetry spans and metrics where that is asked for, in the words of its conventions, without content.",
    ),
    "record:agreement": Requirement(
        "C45, C46, R-01", "What a real guard records stands at the real server, each event once, as it was recorded."
    ),
    "record:bounded": Requirement(
        "ours",
        "What waits is bounded: the oldest reads give way, counted and loudly; never an intent or outcome of a write.",
    ),
}


SECTIONS = (
    HINTS, SPEC, ATTACKS, PROMISES, PENDING, MACHINES, TOKENS, GUARD, PAGES, DEMO, BENCH,
    CLIENT_ID_METADATA, REGISTRATION, CLIENT_ASSERTION, SECRETS, INTROSPECTION, REVOCATION, ENDS, PUSHED,
    DEVICE, EXCHANGE, API_KEYS, ACCOUNT, OPENID, CLIENTS, INTEROP,
    POLICY, OPT_IN, APPROVALS, APPROVAL_PAGES, DELIVERY, DETAILS, NOTICES, CALL_HASHES, JOURNEYS,
    KILL, FEED, FOLLOWER, REACH, HEALTH, ADMIN, ADMIN_NOUNS, CONSOLE, STOP_CLI,
    ARGUMENTS, LIMITS, LIMIT_STORES, OUTPUT, SCREENING, TAINT, INVENTORY, LINT, CONTROLS, RECORD,
)  # fmt: skip

REQUIREMENTS: dict[str, Requirement] = {name: line for section in SECTIONS for name, line in section.items()}

TELLING: dict[str, str] = {
    "C08": "token:audience:is-this-resource-byte-for-byte rfc8707:resource:becomes-the-audience",
    "C16": "opt-in:list:hidden-tools-are-not-offered inventory:consent:what-waits-is-not-offered",
    "C17": "opt-in:list:offered-tools-are-named-boxes opt-in:choice:a-later-tool-is-not-inherited opt-in:choice:is-nobody-elses",
    "C18": "lint:risky-tools-are-named",
    "C20": "policy:denied:as-if-it-were-not-there policy:observe:never-suspends-what-counts",
    "C21": "approvals:page:a-yes-on-the-page-runs-once delivery:approval:asked-and-run-once attack:approvals:a-changed-call-is-refused",
    "C22": "data:wall:reads-see-one-tenant testing:wall:every-tool-of-the-example-holds",
    "C23": "data:wall:crossing-is-a-critical-event storage:wall:one-tenant-sees-its-own data:wall:raw-sql-is-held-to-the-tenant",
    "C24": "policy:context:forbidden-sequence policy:conditions:see-arguments-and-caller",
    "C25": "taint:writes-wait taint:evasion taint:shared",
    "C26": "lint:risky-tools-are-named safe:processes:programs-are-named lint:error-stops-the-start",
    "C27": "arguments:strict:before-the-tool arguments:listed:is-what-is-enforced arguments:closed:nothing-extra",
    "C29": "safe:sql:values-are-bound safe:processes:arguments-stay-arguments safe:requests:values-stay-in-their-place",
    "C30": "safe:paths:stay-inside safe:paths:links-lead-nowhere",
    "C31": "screening:arguments",
    "C32": "screening:plain:removes-what-nobody-sees screening:shortening:says-so",
    "C33": "origin:label screening:modes",
    "C34": "output:no-channel-leaks:every-channel output:personal:masked-by-the-schema output:include-pii:only-where-the-token-may",
    "C35": "output:declared:undeclared-members-are-dropped",
    "C36": "output:declared:what-does-not-conform-is-withheld",
    "C37": "limits:example:holds limits:cost:weighs",
    "C38": "limits:attacks:nothing-gives-a-second-budget limits:attacks:parallel limits:attacks:another-spelling-is-no-tool",
    "C39": "limits:requests:said-by-429",
    "C42": "limits:tool:said-in-its-result",
    "C51": "follow:bound:no-write-starts-late kill:everywhere:nothing-that-died-comes-back",
    "C52": "cli:pause:and-resume admin:servers:paused-and-resumed console:server:paused-and-let-go-on",
    "C53": "attack:inventory:no-other-version-is-selected inventory:pin:a-client-names-what-it-tested inventory:sunset:then-it-is-gone",
    "C54": "inventory:consent:what-waits-is-not-offered inventory:review:a-decision-acts-everywhere-or-in-one-tenant inventory:lock:any-difference-stops-a-build",
    "C56": "probe:a-guard-refuses-everything health:check:says-what-is-wrong health:check:by-the-timetable",
    "C59": "console:stop:radius-first-then-one-button",
    "C66": "controls:presets rehearsal:a-guard-refuses-itself controls:each-follows-what-is-said",
}  # fmt: skip
"""By control, the promises that tell most of it: docs/controls.md shows a test of each of them first."""

CATALOGUE: dict[str, str] = {
    "AZ": "02 04 05 06 07 08 10 11 12 13 14 15 16 18 19 22 24 28 29 30 36 37 39 40 41 45 46 48 51 52 53 54 55",
    "TK": "01 03 04 05 06 08 09 10 13 15 17 18 19 20 21 23 25 26 28 29 33 34 35 37 38 40 41",
    "CC": "01 03 05 07",
    "IN": "01 02 03 04 05 06 07 08 09 10 11",
    "RV": "02 03 05 06 07 09",
    "JK": "01 02 03 06 08",
    "DR": "01 03 04 05 07 10 11 12",
    "CM": "01 02 04 06 08 09",
    "SF": "03 04 06 07",
    "RS": "01 03 04 05 08 10 11 12 14 15 16 17 19 20 22 24 25 26 28 29 30 31 32 34",
    "RL": "01 02 05 06",
    "LG": "01 04 05",
    "EX": "01 03 04 05 08 09",
}
"""The cases of the attack catalogue that must each be named by a source above."""

MCP_ROWS = frozenset(range(1, 39)) - {18}
"""The rows A1 to A38 of the authorization requirements, likewise. A18 is a MAY that is not built: attestation of local programs."""
