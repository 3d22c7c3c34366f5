"""
What MCP servers ask over HTTP, each with a credential of its own; JSON, never for a browser.
"""
