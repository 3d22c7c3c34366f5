"""
What a sign of hostility is, and when signs are too many.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

THRESHOLD: Final = 1.0
"""From this sum of weights on a text is taken to give orders to the model. One plain order weighs it; hints must come together."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One kind of suspicion: its name, and how much it weighs (0 to 1)."""

    name: str
    weight: float


def weight(signs: Iterable[Sign]) -> float:
    """Return what signs weigh together."""
    return round(sum(sign.weight for sign in signs), 3)


def is_hostile(signs: Iterable[Sign]) -> bool:
    """Whether signs reach the threshold."""
    return weight(signs) >= THRESHOLD
