"""
Which tools a server had when somebody last looked, as a file beside its code: what is new, changed, renamed or gone stops a build.
"""
