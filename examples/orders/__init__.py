"""
An MCP server to copy: the orders, customers and support tickets of several shops, each seeing only its own.

`rows.py` says what is kept, `desk.py` what can be done with it, `server.py` offers that as tools and guards them,
`shelf.py` fills an empty database. No tool takes a tenant: the caller's token says whose rows these are.
"""
