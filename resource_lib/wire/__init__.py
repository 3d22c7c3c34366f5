"""
The words both sides must spell alike, and the one reading of JSON; the standard library and rfc8785 only, but for signatures (`signed_note.py`).
"""
