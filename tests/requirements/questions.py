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
}
