"""
Who somebody is, everywhere, when they are to be forgotten.
"""
