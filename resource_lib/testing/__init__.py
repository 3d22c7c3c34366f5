"""
For the tests of whoever guards a server: an issuer in memory, and the tenant wall for every tool.

Nothing here belongs into a running server. It needs no pytest and no network.
"""

from resource_lib.testing.issuer import TestIssuer
from resource_lib.testing.tenant_wall import Attempt, TenantWall, WallBreachedError, Way

__all__ = ["Attempt", "TenantWall", "TestIssuer", "WallBreachedError", "Way"]
