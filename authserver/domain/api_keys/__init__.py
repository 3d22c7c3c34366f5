"""
A secret that programs hold for months and trade for minutes.
"""
