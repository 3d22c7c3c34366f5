"""What the record says of many calls."""

from tests.requirements.requirement import Requirement

ANALYTICS: dict[str, Requirement] = {
    "following:order:each-event-once": Requirement(
        "C57, decision 15", "A reader of the record gets each sealed event once, in the order of its log."
    ),
    "following:order:from-the-beginning-again": Requirement(
        "C55", "A reader that goes back to the beginning gets everything again, in the same order."
    ),
    "following:claim:of-several-one-writes": Requirement(
        "ours", "Of several processes that read the same rows, one writes what it made of them."
    ),
    "following:gone:passed-over-and-counted": Requirement(
        "AU-01, AU-02", "A row that is gone, or no event any more, is passed over and counted."
    ),
    "following:turns:no-log-stops-another": Requirement(
        "TN-14", "A log that a reader fails at does not keep it from the others."
    ),
    "analytics:counts:equal-the-record": Requirement(
        "C57", "Every grain's rows are what counting the record by hand gives, percentiles within five in a hundred."
    ),
    "analytics:counts:again-gives-the-same": Requirement("C57", "Counting everything anew gives the same rows."),
    "analytics:counts:two-processes-count-once": Requirement(
        "C57, decision 5", "Several processes that count at once count each call once."
    ),
    "analytics:spread:five-percent": Requirement(
        "C57", "A percentile of any spans together is at most five percent off the value at its place."
    ),
    "analytics:people:about": Requirement(
        "ours", "How many different people is told to a few percent, of few exactly."
    ),
    "analytics:hostile:bounded": Requirement(
        "TN-14", "A server that names tools without end fills a bounded number of rows, and no number overflows."
    ),
    "analytics:hostile:nonsense-is-passed-over": Requirement(
        "AU-01", "An edited header neither counts as what it is not, nor stops the count."
    ),
    "analytics:erased:counts-stay-and-name-nobody": Requirement(
        "K8", "No count names anybody, before somebody is erased and after."
    ),
    "analytics:kept:each-grain-for-its-time": Requirement("K12", "Each grain's rows go when their time is over."),
    "analytics:asked:by-each": Requirement(
        "C57", "Calls are told together and by tool, server, client and time, page by page."
    ),
    "analytics:asked:narrowed": Requirement(
        "C57",
        "A question is narrowed by server, tool, client and span, and refused by name where it cannot be answered.",
    ),
    "analytics:asked:only-ones-own": Requirement(
        "TN-15", "No number of another tenant is told to anybody but the platform's operators."
    ),
    "analytics:asked:at-a-terminal": Requirement(
        "C57", "A command prints the same figures as a table, JSON or CSV, also where no server runs."
    ),
    "analytics:page:charts-and-tables": Requirement(
        "C57", "The console's page draws without a script what its tables say, each bar in words too."
    ),
    "analytics:page:narrowed": Requirement("C57", "Span, server, tool and application narrow everything on the page."),
    "analytics:page:only-ones-own": Requirement(
        "TN-15", "No number of another organisation is on the page, whatever its address names."
    ),
    "analytics:page:thousands-are-paged": Requirement("C57", "Thousands of tools are shown page by page."),
    "analytics:approvals:asked-and-decided": Requirement(
        "C57", "Approvals are counted as asked, approved, denied and expired, with how long people took."
    ),
    "analytics:counts:in-the-background": Requirement("ours", "A server counts by itself, also after a round failed."),
}
