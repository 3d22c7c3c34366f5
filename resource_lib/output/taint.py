"""
What follows for a caller's writes once text from outside was handed to them: the setting.

Whoever reads a web page, an e-mail or a ticket for a person may have read orders there. That cannot be told from the text, so nothing here looks
at it: for `seconds` after such a result every call of that person's agents that writes waits for the person's yes. C24, C25.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

from resource_lib.settings import SettingsError

LONGEST_S = 24 * 3600

Alone = Literal["refuse", "label"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Taint:
    """Raises SettingsError for what could not be kept."""

    seconds: int = 600
    """For how long after the last such result writes wait."""
    spares: Collection[str] = ()
    """Tools that write and never wait, because nothing that a stranger could make them do harms anybody."""
    alone: Alone = "refuse"
    """What a guard does that has nobody to ask (token-only): `refuse` those writes, or only `label` results."""

    def __post_init__(self) -> None:
        """Read it strictly."""
        if type(self.seconds) is not int or not 1 <= self.seconds <= LONGEST_S:
            raise SettingsError("taint.seconds", "is no time", f"write whole seconds, 1 to {LONGEST_S}")
        named: Any = self.spares
        if isinstance(named, str) or not all(isinstance(name, str) and name for name in named):
            raise SettingsError("taint.spares", "is no list of tools", "write their names, as in ['save_note']")
        if self.alone not in get_args(Alone):
            raise SettingsError("taint.alone", "is unknown", "write 'refuse' or 'label'")
        object.__setattr__(self, "spares", frozenset(named))
