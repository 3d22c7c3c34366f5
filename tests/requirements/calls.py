"""What goes into a tool and what comes out."""

from tests.requirements.requirement import Requirement

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
    "output:long:looked-through-beside-the-loop": Requirement(
        "C32, C34, LG-04",
        "A long answer is looked through beside the event loop: others are served meanwhile, and it leaves as it would have.",
    ),
    "output:long:only-the-beginning-is-read": Requirement(
        "C32, LG-04",
        "Of a long plain text the beginning is read, whose end never leaves; what must be read whole is withheld where it is too long.",
    ),
    "output:names:json-in-a-text": Requirement(
        "C34, EX-01",
        "JSON that stands in a text by itself, in a line or between fences, is masked by its names, and no other text changes.",
    ),
    "arguments:bounds:quick-look": Requirement(
        "C22, ours", "Arguments are within their bounds by the quick look only where they are by the close one."
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
