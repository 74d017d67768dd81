from urllib.parse import urlsplit

import edge_cache
from spin_sdk.http import Handler, Request, Response
from spin_sdk.wit.imports import wasi_clocks_monotonic_clock_0_3_0 as clock


class HttpHandler(Handler):
    async def handle_request(self, request: Request) -> Response:
        if request.method == "DELETE":
            removed = await edge_cache.invalidate(tags=["quotes"])
            return text(200, f"removed {removed}")

        is_down = urlsplit(request.uri).query == "down"
        try:
            quote = await edge_cache.get_or_set("quotes:top", lambda: query(is_down), ttl=60, tags=["quotes"])
            return text(200, quote)
        except Exception as error:
            return text(502, str(error))


async def query(is_down: bool) -> str:
    """A slow source."""
    print("the source is asked", flush=True)
    await clock.wait_for(300_000_000)
    if is_down:
        raise RuntimeError("the source is down")
    return "Stay hungry."


def text(status: int, body: str) -> Response:
    return Response(status, {"content-type": "text/plain"}, body.encode())
