"""
Who follows the numbered list, and how far each has come.
"""
