"""
Loads a server with machine clients' token requests over keep-alive connections, for as long as it is not told otherwise.

    python -m benchmarks.stop.load_process      the first line says where; each further line is answered with what was done since
"""

import asyncio
import base64
import json
import sys
import time
from urllib.parse import urlencode

from benchmarks.load import Connection, Exchange


async def main() -> None:
    """Load until there are no more questions."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    told = json.loads(await reader.readline())
    credential = base64.b64encode(f"{told['client_id']}:{told['client_secret']}".encode()).decode()
    body = urlencode({"grant_type": "client_credentials"})
    request = (
        f"POST /token HTTP/1.1\r\nHost: 127.0.0.1:{told['port']}\r\nAuthorization: Basic {credential}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()

    def flow() -> Exchange:
        (yield request).expect(200)

    opened = []
    for _ in range(told["connections"]):
        done: asyncio.Future[None] = loop.create_future()
        _, connection = await loop.create_connection(
            lambda done=done: Connection(flow, done), "127.0.0.1", told["port"]
        )
        opened.append((connection, done))
    began = time.monotonic()
    print(json.dumps({}), flush=True)
    while await reader.readline():
        for _, done in opened:
            if done.done():
                done.result()
        units = sum(len(connection.latencies) for connection, _ in opened)
        print(json.dumps({"units": units, "seconds": time.monotonic() - began}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
