"""
What may leave: no more than declared, nobody's personal data without the right to it, and nothing that speaks to the model in disguise.

`steps.py` has the steps in their order, and `cleaned` that takes them.
"""

from resource_lib.output.include_pii import INCLUDE_PII, PersonalData, without_it
from resource_lib.output.leaving import Leaving, Note, Step, WithheldError
from resource_lib.output.settings import Output
from resource_lib.output.steps import STEPS, cleaned
from resource_lib.output.taint import Taint

__all__ = [
    "INCLUDE_PII",
    "STEPS",
    "Leaving",
    "Note",
    "Output",
    "PersonalData",
    "Step",
    "Taint",
    "WithheldError",
    "cleaned",
    "without_it",
]
