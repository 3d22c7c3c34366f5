"""Who may be a client, and how it proves that it is."""

from tests.requirements.requirement import Requirement

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
