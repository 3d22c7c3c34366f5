"""
What is dead, heard from the issuer and known here: told in one stream, confirmed by short questions, asked before each call.

Nothing here asks while a call waits, except once after a start. Whatever is not known to be fresh is said to be so, and whoever
decides about a call fails closed.
"""
