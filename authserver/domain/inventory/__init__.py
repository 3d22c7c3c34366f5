"""What each tool of an MCP server has said of itself, what of that somebody has looked at, and what counts until then."""
