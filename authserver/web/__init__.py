"""The map of URLs: one line per endpoint, no rule of its own."""
