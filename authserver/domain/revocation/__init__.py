"""
What is dead, and telling everyone.
"""
