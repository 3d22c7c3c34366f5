"""
The words both sides must spell alike; the standard library and rfc8785 only.
"""
