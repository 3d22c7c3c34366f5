"""
What is it traded for: a caller's token for one of an upstream API, an API key for a token.

Nobody passes a token through (MCP "Token Passthrough"). What a caller brought stays with the guard; what goes further was
made by the issuer for that one resource, with this server's name on it.
"""
