"""A step of the tour holds, or the tour ends there and says what was seen instead."""


class NotHeldError(Exception):
    """A step did not hold. The message says what was seen instead."""


def hold(condition: object, otherwise: str) -> None:
    if not condition:
        raise NotHeldError(otherwise)
