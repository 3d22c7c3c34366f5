"""
What a client carries, and the authorization behind it.
"""
