"""What dies, and what nothing is lost of."""

from tests.requirements.requirement import Requirement

OUTAGES: dict[str, Requirement] = {}
