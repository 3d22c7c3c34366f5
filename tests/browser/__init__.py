"""
What a person sees, in a real browser: the pages alone (preview.py) and the whole flow through the real server.
"""
