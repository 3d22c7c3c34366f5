"""
What a tenant's operators demand of a tool beyond its author: without a deploy, and only ever more.
"""
