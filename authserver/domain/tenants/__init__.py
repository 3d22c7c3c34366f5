"""
An isolated customer.
"""
