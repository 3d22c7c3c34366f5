"""What dies, and what nothing is lost of."""

from tests.requirements.requirement import Requirement

OUTAGES: dict[str, Requirement] = {
    "outages:kills:nothing-is-lost-or-doubled": Requirement(
        "R-01, R-15",
        "Whichever process is killed in the middle of mixed load, server, worker, guard or database: no acknowledged event is lost, none is"
        " doubled, no write was executed without its intent, and the record verifies against every checkpoint that was saved meanwhile.",
    ),
    "outages:disk:full": Requirement(
        "R-07",
        "Where the database's disk is full, whatever would write is a 503 with Retry-After, whatever reads goes on, readiness says so,"
        " nothing that was acknowledged is lost, and all goes on by itself once there is room.",
    ),
    "outages:disk:fails": Requirement(
        "R-07",
        "Where a sync of the database's disk fails and takes with it what it was for, nothing that was acknowledged is lost, also when the"
        " process is killed then, and nothing is repaired by hand.",
    ),
    "outages:disk:guard": Requirement(
        "R-07, AU-05",
        "Where the disk of a guard is full or fails, no write is executed, the caller hears so within seconds, reads go on and are recorded"
        " later, and writes go on by themselves.",
    ),
    "outages:waits:nobody-without-an-answer": Requirement(
        "R-03, R-19",
        "Where the database hangs or is held, whoever waits in line is answered as soon as the first is: nobody's wait grows with the line.",
    ),
    "outages:ten-minutes": Requirement(
        "R-06, decision 14",
        "Ten minutes without the server or its database: reads go on as long as `read_staleness` says and are recorded later, writes end with"
        " `max_staleness` in a clear answer, nothing is lost, doubled or executed unrecorded, and all goes on by itself.",
    ),
    "outages:sockets": Requirement(
        "R-19",
        "A server whose socket refuses, hangs or is slow keeps no caller of a guarded tool waiting, and is told every event once afterwards.",
    ),
}
