"""Questions to the record, and who hears of it."""

from tests.requirements.requirement import Requirement

QUESTIONS: dict[str, Requirement] = {
    "console:ways:every-page-leads-to-every-other": Requirement(
        "ours", "Each page of the console leads to every other, in the same order, and says where one is."
    ),
}
