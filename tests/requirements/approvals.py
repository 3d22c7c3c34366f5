"""A call that waits for a person."""

from tests.requirements.requirement import Requirement

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
