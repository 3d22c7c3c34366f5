"""
The machines underneath: swap one without touching a promise.
"""
