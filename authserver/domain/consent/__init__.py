"""
A person's permission to an application.
"""
