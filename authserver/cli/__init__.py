"""
The command tree an operator types.

Every command finds its server by the settings in the environment (`AUTHSERVER_…`), or by `--data-dir DIR`, which reads
`DIR/env`. Every command takes `--json`. Exit codes: 0 done, 1 refused or not found, 2 wrong usage.
"""

import os
import sys


def main() -> None:
    """Run the command line; whatever goes wrong is one sentence and the cure, never a stack trace."""
    from authserver.cli.operator import fail
    from authserver.cli.tree import app
    from authserver.settings import SettingsError

    try:
        app()
    except SettingsError as error:
        fail(str(error), code=2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of `authserver … | head` has gone: nothing more to say, and no trace at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        # The last line: a trace tells an operator nothing and may quote a secret.
        if os.environ.get("AUTHSERVER_LOG_LEVEL") == "debug":
            raise
        fail(said_of(error))


def said_of(error: Exception) -> str:
    """Return what went wrong, and the cure, as it is said to an operator."""
    from authserver.runtime.database_url import DatabaseURLError
    from authserver.runtime.migration import MigrationError
    from authserver.runtime.unit_of_work import DatabaseUnavailableError
    from authserver.runtime.vault import VaultError

    if isinstance(error, VaultError | MigrationError):
        return str(error)
    if isinstance(error, DatabaseUnavailableError | DatabaseURLError):
        return f"AUTHSERVER_DATABASE_URL: {error}"
    return (
        f"unexpected {type(error).__name__}. Nothing was changed. AUTHSERVER_LOG_LEVEL=debug shows where it came from."
    )
