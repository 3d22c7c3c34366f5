"""
Whether each registered server can be reached, is guarded, and does what it did before.
"""
