"""Stop, everywhere, and whoever operates it."""

from tests.requirements.requirement import Requirement

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
