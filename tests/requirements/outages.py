"""What dies, and what nothing is lost of."""

from tests.requirements.requirement import Requirement

OUTAGES: dict[str, Requirement] = {
    "outages:kills:nothing-is-lost-or-doubled": Requirement(
        "R-01, R-15",
        "Whichever process is killed in the middle of mixed load, server, worker, guard or database: no acknowledged event is lost, none is"
        " doubled, no write was executed without its intent, and the record verifies against every checkpoint that was saved meanwhile.",
    ),
}
