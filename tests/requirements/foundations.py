"""What all stands on: attacks on the whole, the machines below, the ways of working."""

from tests.requirements.requirement import Requirement

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


PENDING: dict[str, Requirement] = {
    "revocation:access-token:is-refused-by-the-resource": Requirement(
        "TK-01, decision 14",
        "The access token of a replayed code, and of whatever else has ended, is refused at the resource server with its next word "
        "from the issuer.",
    ),
}


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
