"""
Which MCP server may act for its callers at which other one.
"""
