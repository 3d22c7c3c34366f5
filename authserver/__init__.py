"""
An OAuth 2.1 authorization server for the Model Context Protocol.

`web/` and `cli/` are the map of URLs and commands, `oauth/` of RFCs, `domain/` of promises, `runtime/` of machines.
A request travels through them in that order and never back.
"""
