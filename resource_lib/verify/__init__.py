"""
A log's export, verified by whoever has a key and a checkpoint: it needs neither our server nor our database.

`python -m resource_lib.verify EXPORT --key VKEY --checkpoint FILE`, or `verify(lines, keys=…, checkpoints=…)`. It stands on
`resource_lib.wire` alone. `docs/record-format.md` says what each check proves, and how to write another verifier.
"""

from resource_lib.verify.reading import ExportError, lines_of
from resource_lib.verify.report import Finding, Payloads, PinnedLog, Report
from resource_lib.verify.verifier import verify
from resource_lib.verify.witnesses import (
    ConsistencyProof,
    SavedCheckpoint,
    Witness,
    pins_of,
    proof_from_json,
    proof_to_json,
)

__all__ = [
    "ConsistencyProof",
    "ExportError",
    "Finding",
    "Payloads",
    "PinnedLog",
    "Report",
    "SavedCheckpoint",
    "Witness",
    "lines_of",
    "pins_of",
    "proof_from_json",
    "proof_to_json",
    "verify",
]
