"""Whoever checks the record, and how long it stays."""

from tests.requirements.requirement import Requirement

PROOF: dict[str, Requirement] = {}
