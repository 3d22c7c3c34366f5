"""The record: what is told, kept and proved."""

from tests.requirements.requirement import Requirement

RECORD: dict[str, Requirement] = {
    "storage:batch:many-rows-at-once": Requirement(
        "ours", "Many rows are written at once, all of a unit or none, and never into another tenant."
    ),
    "record:search:the-same-answer-by-every-index": Requirement(
        "C48",
        "A question has the same answer, in the same order, by whichever index and in however small pages it is found.",
    ),
    "record:calls:the-disk-is-everybodys": Requirement(
        "EX-04, CWE-770",
        "What one server's credential can write in a minute is bounded in bytes, and nobody else waits for it.",
    ),
    "record:log:sealed-as-it-was-written": Requirement(
        "AU-01", "What waits is sealed as it was written: a header that was changed or taken away meanwhile is missed."
    ),
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
