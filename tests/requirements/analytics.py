"""What the record says of many calls."""

from tests.requirements.requirement import Requirement

ANALYTICS: dict[str, Requirement] = {}
