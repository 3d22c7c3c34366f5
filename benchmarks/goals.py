"""What each ratio is meant to be (the design's section on speed); a missed one is printed with how much is missing."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Goal:
    """Ours on one store against the peer on another, in one flow: at least `ratio` times its throughput."""

    flow: str
    ours: str
    peer: str
    ratio: float | None
    """None: compared for information."""
    floor: float | None = None
    """Below this the flow is not fit to ship."""


MEMORY, FULL, NORMAL, POSTGRESQL = "memory", "sqlite FULL", "sqlite NORMAL", "postgresql"

GOALS = (
    # The peer stores nothing for these; ours commits each token and its event.
    Goal(flow="client_credentials", ours=FULL, peer=MEMORY, ratio=1.0, floor=0.7),
    Goal(flow="client_credentials", ours=POSTGRESQL, peer=MEMORY, ratio=1.0, floor=0.7),
    # The peer looks an opaque token up; ours verifies a signature and asks the rows whether all it stands on still stands.
    Goal(flow="introspect", ours=FULL, peer=MEMORY, ratio=1.0, floor=0.7),
    Goal(flow="introspect", ours=POSTGRESQL, peer=MEMORY, ratio=None),
    Goal(flow="introspect", ours=POSTGRESQL, peer=POSTGRESQL, ratio=2.5),
    Goal(flow="refresh", ours=FULL, peer=MEMORY, ratio=None),
    Goal(flow="refresh", ours=FULL, peer=FULL, ratio=1.5, floor=0.7),
    Goal(flow="refresh", ours=FULL, peer=NORMAL, ratio=None),
    Goal(flow="refresh", ours=POSTGRESQL, peer=POSTGRESQL, ratio=1.4, floor=0.7),
    Goal(flow="code_with_session", ours=FULL, peer=MEMORY, ratio=None),
    Goal(flow="code_with_session", ours=FULL, peer=FULL, ratio=2.0),
    Goal(flow="code_with_session", ours=FULL, peer=NORMAL, ratio=None),
    Goal(flow="code_with_session", ours=POSTGRESQL, peer=POSTGRESQL, ratio=1.3),
    Goal(flow="code_with_login", ours=FULL, peer=FULL, ratio=None),
    Goal(flow="code_with_login", ours=POSTGRESQL, peer=POSTGRESQL, ratio=None),
    Goal(flow="jwks", ours=FULL, peer=MEMORY, ratio=1.0),
    Goal(flow="metadata", ours=FULL, peer=MEMORY, ratio=2.0),
)
