"""
How often, and how many at once: every limit that meets a call is asked together, and all of them count it or none does.
"""
