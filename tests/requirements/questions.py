"""Questions to the record, and who hears of it."""

from tests.requirements.requirement import Requirement

QUESTIONS: dict[str, Requirement] = {
    "console:ways:every-page-leads-to-every-other": Requirement(
        "ours", "Each page of the console leads to every other, in the same order, and says where one is."
    ),
    "questions:who:by-address-or-by-whatever-they-are-called": Requirement(
        "C48; ours",
        "The record is searched by a person's e-mail address, and by any identifier under which calls name somebody; neither stands in a URL.",
    ),
    "questions:decision:each-is-found": Requirement(
        "C46", "Calls are found by what was decided, those that a rule only observed among them."
    ),
    "questions:readers:are-in-the-record": Requirement(
        "C45; decision 15",
        "Each page of the record that somebody looks at is an event in that record: who, how much, the question as a keyed code.",
    ),
    "questions:command:what-did-this-user-do-in-the-last-hour": Requirement(
        "C48", "Which tools did this user invoke in the last hour, with what arguments? is one command."
    ),
    "questions:command:all-of-it-line-by-line": Requirement(
        "ours", "The command line reads a tenant's whole record page by page, a line of JSON for each event."
    ),
    "questions:command:says-where-it-looked": Requirement(
        "ours", "Where nothing is found the command line says where it looked and for what; who is unknown is named."
    ),
    "questions:page:finds-what-is-typed-and-names-nobody-in-an-address": Requirement(
        "C48; ours",
        "The console's record finds what is typed, a row for each call; what is typed stands in no address.",
    ),
    "questions:page:every-event-has-words": Requirement(
        "ours", "Where people read the record, each event is called in words, and its code stands behind them."
    ),
    "questions:page:pages-hold-every-call-once": Requirement(
        "ours", "Page by page every call stands once, and whoever looked is recorded once for each page."
    ),
    "questions:page:of-ones-own-organisation-alone": Requirement(
        "TN-15", "The record's pages show one's own organisation alone; what is another's is not there."
    ),
    "questions:story:a-call-is-told-whole": Requirement(
        "C45, C46",
        "One page tells a call: who, which client, what each rule said, how it ended, what it cost, and its proof.",
    ),
    "questions:story:opened-by-whom-it-may-be-and-recorded": Requirement(
        "decision 15; AD-02, AD-08",
        "Arguments and results are opened by administrators and auditors, by a form of theirs, and that is recorded first.",
    ),
    "questions:story:strangers-words-draw-nothing": Requirement(
        "AP-10; LG", "What strangers wrote is shown inertly: no markup, no turned or hidden text, long text folded."
    ),
    "questions:story:what-is-erased-is-said-to-be": Requirement(
        "C50", "A call whose content was erased is still told and proved, and says that it is erased."
    ),
    "questions:story:who-said-yes-and-how-long-they-looked": Requirement(
        "ours", "A call's page says who approved it and how long they had looked, and where nobody saw its end."
    ),
    "questions:export:verified-by-whoever-gets-it": Requirement(
        "C49; ours",
        "The admin API hands on a tenant's log as it is read, packed or not, from any row on; the verifier reads it.",
    ),
    "questions:export:lines-that-answer": Requirement(
        "ours",
        "It hands on the events that answer to a question line by line, and says where the next reading goes on.",
    ),
    "questions:export:payloads-need-a-fresh-login": Requirement(
        "AD-02, AD-12; decision 15",
        "An export with what names people needs a fresh login and the role, and is recorded before it begins.",
    ),
    "questions:export:bounded": Requirement(
        "ours", "Exports are bounded: in number, in memory by what the reader takes, and in time by the reader's power."
    ),
    "questions:webhook:in-the-logs-order-without-names": Requirement(
        "ours",
        "A webhook that names kinds of the record is told of them, signed, in the log's order, by their headers alone.",
    ),
    "questions:webhook:none-overtakes-another": Requirement(
        "R-01",
        "Each batch of events is made once, told at least once, and none overtakes another; given up, that is recorded.",
    ),
    "questions:webhook:begins-anew-when-enabled": Requirement(
        "ours",
        "A webhook that was disabled hears of what happens once it is enabled; what is no kind is refused by name.",
    ),
    "questions:readers:every-opening-is-known": Requirement(
        "C45; AU-05; decision 15",
        "Whoever reads what the record says of people is in it, on every way there is; what cannot be recorded is not shown.",
    ),
    "questions:readers:every-look-is-known": Requirement(
        "C45", "Whoever looks at one call or event alone, without opening it, stands in the record too."
    ),
}
