"""
An authorization request that its client left here before a browser came.
"""
