"""
What it asks its issuer, with a credential of its own: approvals, the operators' overlay.

Nothing here decides about a call. What comes back is read strictly, in bounded time; an issuer that cannot be asked is said to be
so, and whoever asked fails closed.
"""
