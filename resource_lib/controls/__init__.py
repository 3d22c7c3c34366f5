"""
The 66 controls, and which of them this guard keeps: on by default, an option, on the other side, or the deployment's.
"""
