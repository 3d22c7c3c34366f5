"""
One question across everything that a tenant has.
"""
