"""An application that answers with who answered; made in worker processes, so it must be importable."""

import os


class MakeApp:
    def __call__(self):
        return app


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["path"] == "/slow":
        import asyncio

        await asyncio.sleep(0.5)
    body = str(os.getpid()).encode()
    while (await receive()).get("more_body"):
        pass
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]}
    )
    await send({"type": "http.response.body", "body": body})
