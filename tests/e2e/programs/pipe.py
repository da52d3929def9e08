"""A service that passes every connection on to a socket of the test's, which is the one to answer.

Usage: pipe.py SOCKET [MARK]: what instances do is then counted outside of them, where kill -9 of
the platform loses nothing.
"""

import asyncio
import os
import sys


async def carry(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def serve(reader, writer):
    try:
        there, back = await asyncio.open_unix_connection(sys.argv[1])
    except OSError:
        writer.close()
        return
    await asyncio.gather(carry(reader, back), carry(there, writer))


async def main():
    port = int(os.environ.get("PORT", "8080"))
    async with await asyncio.start_server(serve, "0.0.0.0", port) as server:
        await server.serve_forever()


asyncio.run(main())
