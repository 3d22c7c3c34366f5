"""The tests' own servers leave nothing behind, however a test process ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.support.processes import accepts

ROOT = Path(__file__).resolve().parents[3]

RUN = """
import time
from urllib.parse import urlsplit
from tests.support.valkey import valkey_server
with valkey_server() as url:
    print(urlsplit(url).port, flush=True)
    time.sleep(60)
"""


def test_a_server_does_not_outlive_a_test_process_that_is_killed():
    environment = {name: value for name, value in os.environ.items() if name != "TEST_REDIS_URL"}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    port = int(process.stdout.readline())
    assert accepts(port)()

    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    deadline = time.monotonic() + 60
    while accepts(port)():
        assert time.monotonic() < deadline
        time.sleep(0.02)
