"""
People learn of what waits for them: a signed call to an address of the tenant's, an e-mail.
"""
