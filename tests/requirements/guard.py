"""The library at the MCP server, and what its policy says."""

from tests.requirements.requirement import Requirement

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
