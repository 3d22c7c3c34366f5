"""
A short-lived promise of tokens.
"""
