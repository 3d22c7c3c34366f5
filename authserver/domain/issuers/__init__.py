"""
The names under which we sign.
"""
