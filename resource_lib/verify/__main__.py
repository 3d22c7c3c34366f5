"""
`python -m resource_lib.verify EXPORT…`: ends with 0 when everything is verified, 1 when something was tampered with, 2 when nobody can say.
"""

import sys

from resource_lib.verify.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
