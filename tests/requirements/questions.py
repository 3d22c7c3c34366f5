"""Questions to the record, and who hears of it."""

from tests.requirements.requirement import Requirement

QUESTIONS: dict[str, Requirement] = {}
