"""
The rules that follow from what real clients do, and which promises show each of them.

`tests/requirements/` holds the promises, the tests their marks; docs/clients.md lists this table.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule, in a sentence, and the promises that show it."""

    text: str
    promises: tuple[str, ...]


RULES: dict[str, Rule] = {
    "1": Rule(
        text="Metadata at both well-known names, at the root, path inserted and path appended, with one issuer, byte for "
        "byte; `none` and `private_key_jwt` listed; the authorization endpoint on the issuer's origin.",
        promises=(
            "clients:rule:1-metadata",
            "rfc8414:metadata:at-every-location",
            "rfc8414:metadata:issuer-comes-from-settings",
            "rfc9207:iss:is-the-tenants-own",
            "mcp:discovery:in-the-clients-order",
        ),
    ),
    "2": Rule(
        text="The port of a loopback redirect is free for `127.0.0.1`, `[::1]` and `localhost`, and nothing else of it; the "
        "token request repeats it exactly; no port of an https address is free.",
        promises=(
            "rfc8252:loopback:any-port",
            "rfc8252:loopback:only-the-port-is-free",
            "rfc8252:loopback:token-request-compares-exactly",
        ),
    ),
    "3": Rule(
        text="Registration takes unknown and missing members, infers native, judges addresses one by one, refuses harmful "
        "ones, answers with what is in force, forgets what nobody uses, and is limited by time alone.",
        promises=(
            "rfc7591:register:missing-members-have-defaults",
            "rfc7591:register:effective-metadata-without-nulls",
            "rfc7591:redirects:judged-one-by-one",
            "rfc7591:redirects:private-use-by-exact-list",
            "attack:registration:harmful-redirects-refuse-everything",
            "rfc7591:expiry:unused-registrations-lapse",
            "attack:registration:limited-by-time",
            "attack:registration:the-ceiling-slows-and-never-closes",
        ),
    ),
    "4": Rule(
        text="A metadata document is fetched from a checked public address alone, bounded, never through a redirect, "
        "remembered for five minutes to a day; an error is never remembered and the last good copy stays.",
        promises=(
            "clients:matrix:known-by-document",
            "cimd:client-id:has-one-form",
            "cimd:document:unusable-ones-are-refused-in-plain-words",
            "cimd:document:what-is-not-served-is-left-out",
            "cimd:cache:between-five-minutes-and-a-day",
            "cimd:cache:last-good-copy-for-a-week",
            "cimd:cache:an-error-is-no-answer",
            "cimd:auth:private-key-jwt",
            "outbound:address:only-public-ones-are-dialled",
            "outbound:redirect:is-not-followed",
            "outbound:address:rebinding-finds-nobody",
            "outbound:answer:only-a-whole-small-one-counts",
            "outbound:time:is-bounded",
        ),
    ),
    "5": Rule(
        text="An unknown client gets a page at `/authorize`, which says how to reconnect, and 401 `invalid_client` at `/token`.",
        promises=(
            "clients:rule:5-stale-clients",
            "attack:redirect:unknown-clients-get-a-page",
            "oauth21:client-authentication:unknown-client-is-401",
        ),
    ),
    "6": Rule(
        text="No `resource` means the default of the person's tenant; a slash after the origin means nothing; an origin means "
        "the one MCP server under it; anything else is `invalid_target` before anybody logs in; the audience is what was "
        "approved.",
        promises=(
            "rfc8707:resource:has-a-default",
            "rfc8707:default:is-of-the-persons-tenant",
            "rfc8707:origin:means-the-one-resource-under-it",
            "rfc8707:origin:must-be-unambiguous",
            "rfc8707:origin:can-be-switched-off",
            "rfc8707:resource:unknown-is-invalid-target",
            "rfc8707:resource:token-request-cannot-change-it",
            "clients:habit:a-slash-after-a-pathless-resource",
        ),
    ),
    "7": Rule(
        text="Unknown scopes are left out or refused, by policy; `offline_access` and `openid` may always be asked for; "
        "`offline_access` is advertised and permits nothing; a refresh token for every client that lists the grant.",
        promises=(
            "clients:rule:7-offline-access-is-advertised",
            "oauth21:scope:unknown-by-policy",
            "mcp:refresh-tokens:offline-access-permits-nothing",
            "mcp:scopes:subset-is-told",
            "oauth21:refresh:only-for-clients-with-the-grant",
        ),
    ),
    "8": Rule(
        text="A refresh rotates; a retry inside the window gets the same answer; after it the family ends; everything is "
        "checked before anything is used up.",
        promises=(
            "attack:replay:window-gives-the-same-successor",
            "attack:replay:after-the-window-ends-the-family",
            "attack:replay:window-is-per-client",
            "oauth21:refresh:failed-attempts-burn-nothing",
            "clients:habit:one-refresh-token-in-several-processes",
        ),
    ),
    "9": Rule(text="`iss` stands in every answer, good or bad.", promises=("rfc9207:iss:in-every-response",)),
    "10": Rule(
        text="Two authorization requests for one login both work; a consent page survives being loaded and sent twice.",
        promises=("clients:rule:10-two-authorize-calls", "ours:consent:survives-two-tabs"),
    ),
    "11": Rule(
        text="Any origin may read the well-knowns, `/register`, `/token`, `/revoke` and the keys; none may read `/authorize`.",
        promises=(
            "clients:rule:11-cross-origin",
            "cors:open:where-browser-clients-ask",
            "cors:closed:where-a-person-navigates",
        ),
    ),
    "12": Rule(
        text="The public address comes from the settings, the caller's from declared proxies; no header changes either.",
        promises=(
            "rfc8414:metadata:issuer-comes-from-settings",
            "attack:http:hosts-are-not-believed",
            "attack:http:forwarding-is-believed-from-declared-proxies",
            "clients:rule:12-public-address",
        ),
    ),
    "13": Rule(
        text="A client that never finishes a step-up gets more when its person allows it on our page: recorded, for a while, "
        "shown, and carried by the next refresh without `scope`.",
        promises=(
            "account:more:the-next-refresh-carries-it",
            "account:more:lapses-by-itself",
            "account:more:only-what-the-role-permits",
            "account:more:is-taken-back",
            "clients:matrix:steps-up",
        ),
    ),
    "14": Rule(
        text="What is withdrawn or narrowed acts on what is stored, at once; no permission means no.",
        promises=(
            "account:disconnect:acts-at-once",
            "account:change:narrows-every-login",
            "consent:narrowing:acts-everywhere",
            "oauth21:refresh:ends-with-what-it-stands-on",
            "attack:ended:a-code-stays-under-its-consent",
        ),
    ),
    "seen 1": Rule(
        text="Chromium sends `Origin: null` with a strict referrer policy: forms still work.",
        promises=("attack:csrf:strict-referrer-policies-still-work",),
    ),
    "seen 2": Rule(
        text="The page's policy lets its form go on to the client, and to nobody else.",
        promises=("mcp:pages:cannot-be-framed-or-scripted", "clients:habit:the-page-goes-on-to-a-private-scheme"),
    ),
    "seen 3": Rule(
        text="The TypeScript SDK does not join scopes: a challenge names what was granted and what is needed.",
        promises=("guard:403:all-scopes-in-one-challenge", "mcp:step-up:union-keeps-what-was-granted"),
    ),
    "seen 4": Rule(
        text="The Python SDK sends its first refresh after a start to the MCP server and then asks the person again.",
        promises=("clients:seen:4-a-refresh-at-the-wrong-door",),
    ),
    "seen 5": Rule(
        text="FastMCP's helper opens the authorization URL once before the browser does, and takes a 400 for a stale client.",
        promises=("clients:seen:5-a-probe-before-the-browser", "ours:consent:survives-two-tabs"),
    ),
    "seen 6": Rule(
        text="A sealed `requestState` can hide that a changed call is not noticed: the changed call is tested as a fresh one.",
        promises=("clients:seen:6-a-changed-call-as-a-fresh-one",),
    ),
}
