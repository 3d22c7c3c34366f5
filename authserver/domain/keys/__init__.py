"""
What we sign with.
"""
