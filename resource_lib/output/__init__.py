"""
What may leave: no more than declared, nobody's personal data without the right to it, and nothing that speaks to the model in disguise.
"""
