"""
How a call arrives and how its answer leaves: plain ASGI, nothing buffered that streams.
"""
