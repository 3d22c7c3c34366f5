"""
A person's yes to one exact call: asked for, given, spent once, and what came of it.
"""
