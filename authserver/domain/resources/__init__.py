"""
A protected resource: an MCP server and its tools.
"""
