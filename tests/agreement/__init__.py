"""The real server and the real library, end to end, through real clients and a real browser."""
