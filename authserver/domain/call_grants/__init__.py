"""
A yes to several calls of one tool: under a condition, counted, with an end.
"""
