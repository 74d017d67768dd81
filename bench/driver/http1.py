"""An HTTP/1.1 client over persistent connections, for the latency of single requests and for a thousand requests at once."""

import selectors
import socket
import time
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes


def request_bytes(method, path, headers, body=b""):
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1"] + [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines.append("content-type: application/json")
    if body or method != "GET":
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def parse(received):
    """The response at the start of these bytes, or None if it is incomplete. Responses must have a content-length."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    status, *lines = received[:end].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "content-length" not in headers:
        raise ConnectionError(f"a response without content-length: {status}")
    whole = end + 4 + int(headers["content-length"])
    return Answer(int(status.split()[1]), headers, received[end + 4 : whole]) if len(received) >= whole else None


def connect(port, timeout_seconds=600):
    connection = socket.create_connection(("127.0.0.1", port), timeout=timeout_seconds)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Client:
    """One persistent connection."""

    def __init__(self, port, headers=None, timeout_seconds=600):
        self.headers = headers or {}
        self.socket = connect(port, timeout_seconds)

    def __call__(self, method, path, body=b""):
        self.socket.sendall(request_bytes(method, path, self.headers, body))
        received = b""
        while True:
            part = self.socket.recv(1 << 16)
            if not part:
                raise ConnectionError(f"{method} {path}: the connection was closed")
            received += part
            answer = parse(received)
            if answer:
                return answer

    def timed_ms(self, method, path, body=b""):
        started = time.perf_counter()
        answer = self(method, path, body)
        return (time.perf_counter() - started) * 1000, answer

    def close(self):
        self.socket.close()


def at_once(port, count, path, timeout_seconds=60):
    """Sends one request on each of `count` open connections at once. Returns the milliseconds until the last response, and all."""
    connections = [connect(port) for _ in range(count)]
    selector, received = selectors.DefaultSelector(), {}
    for connection in connections:
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ)
        received[connection] = b""
    message, answers = request_bytes("GET", path, {}), []
    started = time.perf_counter()
    for connection in connections:
        connection.send(message)
    try:
        while len(answers) < count:
            ready = selector.select(timeout_seconds)
            if not ready:
                raise TimeoutError(f"{count - len(answers)} of {count} requests were not answered in {timeout_seconds} s")
            for key, _ in ready:
                connection = key.fileobj
                received[connection] += connection.recv(1 << 16)
                answer = parse(received[connection])
                if answer:
                    answers.append(answer)
                    selector.unregister(connection)
        return (time.perf_counter() - started) * 1000, answers
    finally:
        selector.close()
        for connection in connections:
            connection.close()
