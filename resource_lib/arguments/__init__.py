"""
Is what a call says of the form that its tool advertises: bounds first, then the schema, in words that a model can act on.
"""
