"""
An application.
"""
