"""Who is erased is gone, wherever bytes of theirs may lie."""

from tests.requirements.requirement import Requirement

FORGETTING: dict[str, Requirement] = {}
