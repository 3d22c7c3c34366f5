"""Whoever checks the record, and how long it stays."""

from tests.requirements.requirement import Requirement

PROOF: dict[str, Requirement] = {
    "proof:verify:command": Requirement(
        "C49, AU-01",
        "One command verifies the record where it stands, by a judge that shares nothing with the server, and says 0, 1 or 2.",
    ),
    "proof:verify:tampering-is-named": Requirement(
        "C49, AU-01, AU-02, AU-03",
        "Whatever is done to the living database, beside the logs too, is named by the command.",
    ),
}
