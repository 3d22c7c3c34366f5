"""
How soon and how surely a stop reaches every guard; see `__main__.py`.
"""
