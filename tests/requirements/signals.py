"""What is unusual, and why."""

from tests.requirements.requirement import Requirement

SIGNALS: dict[str, Requirement] = {}
