"""The authorization server: its endpoints, tokens and keys."""

from tests.requirements.requirement import Requirement

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
