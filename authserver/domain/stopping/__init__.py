"""
Stopping something: what it would end, who has obeyed, and letting it begin again.
"""
