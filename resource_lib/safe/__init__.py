"""
Building blocks for authors of tools: paths, SQL, processes, prompts and requests that arguments cannot break out of. It knows nothing of the rest.
"""
