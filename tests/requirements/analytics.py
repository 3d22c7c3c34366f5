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
}
