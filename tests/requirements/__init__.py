"""
The manifest: every promise, who demands it, and nothing that is not shown.

Each line is `id: Requirement(source, text)`. A test shows a promise by `@pytest.mark.requirement("id")`;
`tests/architecture/test_requirements.py` fails when a promise has no test, when a test names no promise, and when a
promise still says `pending` although the capability it waits for has been built.

Sources: RFC and section, MCP section ("MCP A27" is row A27 of the authorization requirements), a control (C01-C66), a case
of the attack catalogue (AZ-02, TK-33, ...), a numbered design decision, or "ours".
"""

from tests.requirements.analytics import ANALYTICS
from tests.requirements.approvals import APPROVAL_PAGES, APPROVALS, DELIVERY, DETAILS, NOTICES
from tests.requirements.calls import (
    ARGUMENTS,
    CONTROLS,
    INVENTORY,
    LIMIT_STORES,
    LIMITS,
    LINT,
    OUTPUT,
    SCREENING,
    TAINT,
)
from tests.requirements.clients import CLIENT_ASSERTION, CLIENT_ID_METADATA, CLIENTS, INTEROP, REGISTRATION, SECRETS
from tests.requirements.forgetting import FORGETTING
from tests.requirements.foundations import ATTACKS, BENCH, DEMO, HINTS, MACHINES, PENDING, PROMISES
from tests.requirements.guard import CALL_HASHES, GUARD, OPT_IN, POLICY
from tests.requirements.issuer import (
    API_KEYS,
    DEVICE,
    ENDS,
    EXCHANGE,
    INTROSPECTION,
    OPENID,
    PUSHED,
    REVOCATION,
    SPEC,
    TOKENS,
)
from tests.requirements.outages import OUTAGES
from tests.requirements.people import ACCOUNT, JOURNEYS, PAGES
from tests.requirements.proof import PROOF
from tests.requirements.questions import QUESTIONS
from tests.requirements.record import RECORD
from tests.requirements.requirement import CAPABILITIES, Requirement
from tests.requirements.signals import SIGNALS
from tests.requirements.stopping import ADMIN, ADMIN_NOUNS, CONSOLE, FEED, FOLLOWER, HEALTH, KILL, REACH, STOP_CLI

__all__ = ["CAPABILITIES", "CATALOGUE", "MCP_ROWS", "REQUIREMENTS", "SECTIONS", "TELLING", "Requirement"]

SECTIONS = (
    HINTS,
    SPEC,
    ATTACKS,
    PROMISES,
    PENDING,
    MACHINES,
    TOKENS,
    GUARD,
    PAGES,
    DEMO,
    BENCH,
    CLIENT_ID_METADATA,
    REGISTRATION,
    CLIENT_ASSERTION,
    SECRETS,
    INTROSPECTION,
    REVOCATION,
    ENDS,
    PUSHED,
    DEVICE,
    EXCHANGE,
    API_KEYS,
    ACCOUNT,
    OPENID,
    CLIENTS,
    INTEROP,
    POLICY,
    OPT_IN,
    APPROVALS,
    APPROVAL_PAGES,
    DELIVERY,
    DETAILS,
    NOTICES,
    CALL_HASHES,
    JOURNEYS,
    KILL,
    FEED,
    FOLLOWER,
    REACH,
    HEALTH,
    ADMIN,
    ADMIN_NOUNS,
    CONSOLE,
    STOP_CLI,
    ARGUMENTS,
    LIMITS,
    LIMIT_STORES,
    OUTPUT,
    SCREENING,
    TAINT,
    INVENTORY,
    LINT,
    CONTROLS,
    RECORD,
    PROOF,
    FORGETTING,
    OUTAGES,
    ANALYTICS,
    SIGNALS,
    QUESTIONS,
)

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
    "C45": "record:every-decision questions:story:a-call-is-told-whole record:result",
    "C46": "record:every-decision record:calls:decisions-of-every-kind record:approvals",
    "C47": "record:redacted record:spool:unreadable",
    "C48": "questions:command:what-did-this-user-do-in-the-last-hour questions:page:finds-what-is-typed-and-names-nobody-in-an-address",
    "C49": "record:database:tampering-is-named proof:verify:tampering-is-named record:verify:names-the-first-row",
    "C50": "forget:files:clean record:erase:whoever-is-named forget:account:every-row",
    "C51": "follow:bound:no-write-starts-late kill:everywhere:nothing-that-died-comes-back",
    "C52": "cli:pause:and-resume admin:servers:paused-and-resumed console:server:paused-and-let-go-on",
    "C53": "attack:inventory:no-other-version-is-selected inventory:pin:a-client-names-what-it-tested inventory:sunset:then-it-is-gone",
    "C54": "inventory:consent:what-waits-is-not-offered inventory:review:a-decision-acts-everywhere-or-in-one-tenant inventory:lock:any-difference-stops-a-build",
    "C55": "signals:month:eleven-of-twelve signals:sentence:numbers-that-explain signals:console:seen-with-its-numbers",
    "C56": "probe:a-guard-refuses-everything health:check:says-what-is-wrong health:check:by-the-timetable",
    "C57": "analytics:asked:by-each analytics:counts:equal-the-record analytics:page:charts-and-tables",
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
    "AU": "01 02 03 04 05 06 07 08",
    "LG": "01 04 05",
    "EX": "01 03 04 05 08 09",
}
"""The cases of the attack catalogue that must each be named by a source above."""

MCP_ROWS = frozenset(range(1, 39)) - {18}
"""The rows A1 to A38 of the authorization requirements, likewise. A18 is a MAY that is not built: attestation of local programs."""
