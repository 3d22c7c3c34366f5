"""
Where it plugs in: one file per framework; nothing else imports them.
"""
