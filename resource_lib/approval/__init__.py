"""
Did a person say yes to exactly this call?

Decision 13. The authorization server keeps the record and decides; here a call finds its approval, waits, is spent once, and its
outcome goes back.
"""
