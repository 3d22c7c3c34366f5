"""
What an author should mend before a tool meets an agent: risky arguments, missing bounds, descriptions that give orders.
"""
