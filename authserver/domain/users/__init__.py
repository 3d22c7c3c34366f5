"""
A person, and their membership in a tenant.
"""
