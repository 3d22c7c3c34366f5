"""
What happened: an event of each call, made beside the call's own way, kept on this machine until the issuer has it.

`recording.py` takes note while a call goes its way, `making.py` makes events of it in a thread of its own, `spool.py` keeps them
through crashes, `sending.py` tells them. For a tool that writes, the intent is durable before the tool runs: no record, no write.
"""

from resource_lib.audit.settings import Record as Record
