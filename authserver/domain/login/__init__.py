"""
A person proving who they are.
"""
