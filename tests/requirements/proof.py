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
    "proof:retention:whole-tiles-with-a-receipt": Requirement(
        "C45, C50",
        "What is past its time goes in whole tiles, with a receipt that was sealed before; every proof stands.",
    ),
    "proof:retention:nothing-launders": Requirement(
        "AU-01, AU-02", "Nothing that was changed is pruned, and no gap without a receipt passes for a pruning."
    ),
    "proof:retention:nobody-is-overtaken": Requirement(
        "R-15", "A reader that is behind is waited for; exports and verifications that run meanwhile are whole."
    ),
    "proof:retention:by-class-and-tenant": Requirement(
        "C45, C50", "Each tenant keeps each class of event as long as it says, and for 90 days at least."
    ),
    "proof:retention:receipts-stay": Requirement(
        "K7, C50", "What was erased is accounted for as long as a row of it is there."
    ),
    "proof:retention:command": Requirement(
        "C50", "A command says what goes and why something stays; less than 90 days is refused with the reason."
    ),
    "proof:copies:everywhere": Requirement(
        "C49, AU-02, AU-03",
        "File, folder, log and webhook have each new checkpoint of the platform's log, once, and any of them shows a rollback.",
    ),
    "proof:copies:never-in-the-way": Requirement(
        "C49, AU-05", "A place that fails is tried again and holds up neither sealing nor the other places."
    ),
    "proof:proofs:without-an-export": Requirement(
        "C49, RFC 9162 §2.1.3, §2.1.4", "A proof in a file of its own is checked with a key alone, and no other one is."
    ),
}
