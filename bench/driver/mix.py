"""The traffic of the soak test: requests, the roles that may send them, and the responses that openapi.yaml documents."""

import json
import re
from dataclasses import dataclass

ROLES = ("viewer", "operator", "admin")
# One in this many of the requests that a role may not send is sent nevertheless.
FORBIDDEN_ONE_IN = 20
# The problems of a 503 that a restart of Redis may cause. `unavailable` means that a loader failed because of it.
FAILURES = {f"urn:edge-cache:problem:{kind}" for kind in ("redis-unreachable", "redis-timeout", "redis-loading", "unavailable")}
PROBLEMS = {403: "role-too-low", 404: "not-found", 409: "already-running"}
WORDS = ["brake", "filter", "light", "pump", "cable", "disc", "switch", "fluid"]


@dataclass(frozen=True)
class Request:
    """A request of the mix. `role` is the lowest role that may send it (None: public), `action` its action in the audit trail."""

    method: str
    path: str
    body: bytes = b""
    others: tuple = ()
    role: str | None = None
    action: str | None = None

    def kind(self):
        """The request without its variable parts."""
        path = re.sub("[0-9]+", "N", re.sub(r"\?q=.*", "?q=…", self.path))
        what = re.search(rb'"(pattern|patterns|tags)"', self.body)
        return f"{self.method} {path}" + (f" ({what[1].decode()})" if what and self.method == "POST" else "")

    def may(self, role):
        return self.role is None or ROLES.index(role) >= ROLES.index(self.role)


def traffic(dice):
    """Draws one request of the mix."""
    product, slot = dice.randrange(1, 5200), dice.randrange(200)
    get, change = _reads(dice, product, slot), _changes(dice, product, slot)
    return dice.choice(get + change)


def _reads(dice, product, slot):
    return [
        Request("GET", f"/api/products/{product % 300 + 1}", others=(404,)),
        Request("GET", f"/api/products/{product}", others=(404,)),
        Request("GET", f"/api/products/search?q={dice.choice(WORDS)}"),
        Request("GET", "/api/products/popular"),
        Request("GET", "/api/vehicles/brands"),
        Request("GET", f"/api/vehicles/brand/{slot % 60 + 1}/models", others=(404,)),
        Request("GET", "/api/users/stats"),
        Request("GET", "/api/cache/health"),
        Request("GET", "/api/cache/health/live"),
        Request("GET", "/api/cache/health/ready"),
        Request("GET", "/api/cache/stats", role="viewer"),
        Request("GET", "/api/cache/keys?limit=50", role="viewer"),
        Request("GET", f"/api/cache/keys?limit=20&pattern=soak:{slot}:*", role="viewer"),
        Request("GET", f"/api/cache/keys/soak:{slot}:1", others=(404,), role="operator"),
        Request("GET", "/api/cache/audit?limit=10", role="admin"),
        Request("GET", "/api/cache/ttl", role="viewer"),
        Request("GET", "/api/cache/rules", role="viewer"),
        Request("GET", "/api/cache/metrics", role="viewer"),
        Request("GET", "/api/cache/warmup", role="viewer"),
        Request("GET", "/api/cache/warmup/plan", role="viewer"),
    ]


def _changes(dice, product, slot):
    price, prefix, pattern = b'{"priceCents":%d}' % (100 + slot), b'"soak:%d"' % (slot % 5), b'"soak:%d:*"' % slot
    tag, event = b'{"tags":["soak-%d"],"keys":["soak:%d:2"]}' % (slot % 20, slot), b'{"type":"product.updated","id":"%d"}' % product
    key = f"/api/cache/keys/soak:{slot}:1"
    warmup = Request("POST", "/api/cache/warmup", b'{"modules":["config"]}', (409,), "admin", "warmup")
    return [
        Request("POST", f"/api/products/{product % 300 + 1}", price, (), "operator", "event"),
        Request("PUT", "/api/cache/ttl", b'{"prefix":%s,"ttl":60}' % prefix, (), "admin", "ttl"),
        Request("DELETE", "/api/cache/ttl", b'{"prefix":%s}' % prefix, (404,), "admin", "ttl"),
        Request("POST", "/api/cache/warmup/cancel", b"{}", (404,), "admin", "warmup-cancel"),
        Request("PATCH", key, b'{"ttl":%d}' % (slot + 1), (404,), "admin", "expire"),
        Request("DELETE", "/api/cache/invalidate", b'{"patterns":[%s]}' % pattern, (), "admin", "invalidate"),
        Request("POST", "/api/users/cache/clear", b"", (), "operator", "clear"),
        Request("POST", "/api/cache/clear", b'{"pattern":%s}' % pattern, (), "operator", "clear"),
        Request("POST", "/api/cache/invalidate", tag, (), "operator", "invalidate"),
        Request("POST", "/api/cache/events", event, (), "operator", "event"),
        *([warmup] if slot < 5 else []),
    ]


def drawn(dice, role):
    """Draws a request for a connection of this role, rarely one that the role may not send."""
    while True:
        request = traffic(dice)
        if request.may(role) or dice.randrange(FORBIDDEN_ONE_IN) == 0:
            return request


def verdict(request, role, answer):
    """`right`; `failed` for a response that is documented for an unavailable Redis; else the mistake in the response."""
    expected = {200, *request.others} if request.may(role) else {403}
    if answer.status == 200:
        return "right" if 200 in expected else "a role that is too low was accepted"
    if answer.status == 503 and request.path == "/api/cache/health":
        return "failed" if b'"status":"unhealthy"' in answer.body else "503 in another form"
    kind = _problem(answer)
    if answer.status in expected:
        known = kind == f"urn:edge-cache:problem:{PROBLEMS[answer.status]}"
        return "right" if known else f"{answer.status} {kind}"
    return "failed" if answer.status == 503 and kind in FAILURES else f"{answer.status} {kind}"


def _problem(answer):
    if answer.headers.get("content-type", "").split(";")[0] != "application/problem+json":
        return "without a problem document"
    return json.loads(answer.body).get("type", "without a type")
