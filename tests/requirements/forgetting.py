"""Who is erased is gone, wherever bytes of theirs may lie."""

from tests.requirements.requirement import Requirement

FORGETTING: dict[str, Requirement] = {
    "forget:account:every-row": Requirement(
        "C50",
        "user erase takes every row of a person away, in every tenant; what stays are opaque ids that keep their tokens dead",
    ),
    "forget:others-approvals": Requirement(
        "C50",
        "what other people's approvals and permissions show of somebody is erased with them, however they are written there",
    ),
    "forget:tenant-whole": Requirement(
        "C50", "a tenant's record is erased as a whole, by receipts in its log and a row in the platform's"
    ),
    "forget:overtaken": Requirement(
        "C50", "what was under way while somebody was erased is erased before it is sealed"
    ),
    "forget:keys:one-by-one": Requirement(
        "C50", "the key of one payload is destroyed alone, whoever destroys another of the same page meanwhile"
    ),
    "forget:commands": Requirement(
        "C50",
        "erasing is rehearsed, confirmed by name, and says what it reached, what is not clean yet, and until when backups know it",
    ),
    "forget:headers": Requirement(
        "C50", "what a caller writes beside a call, such as a request's id, stands in no header, which nobody erases"
    ),
    "forget:files:clean": Requirement(
        "C50, AU-04",
        "after an erasure no byte of a person, and no key that opens one, is in the database's files, its write-ahead log, the spool, logs or a fresh backup, and every proof verifies",
    ),
    "forget:files:by-whom": Requirement(
        "C50", "a role that may not clean the files is told so with the cure, exit code 3, and check says what waits"
    ),
}
