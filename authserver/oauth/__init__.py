"""
The map of RFCs: one file per specification section.

OAuth 2.1 sections are those of draft-ietf-oauth-v2-1-13.
"""
