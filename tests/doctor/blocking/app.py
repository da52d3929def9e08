"""An asynchronous server whose handler blocks."""
import asyncio
import os
import signal
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n"


async def handle(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    time.sleep(0.1)
    writer.write(ANSWER)
    await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(handle, "0.0.0.0", int(os.environ["PORT"]))
    await server.serve_forever()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
asyncio.run(main())
