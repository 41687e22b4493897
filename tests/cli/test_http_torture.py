#!/usr/bin/env python3
"""HTTP torture: connections that send random rows of requests, cut at random places into pieces, chunked in random chunks,
with headers in any case and order, escapes, other methods, and mistakes in between. What each must be answered follows from
RFC 9110, RFC 9112 and docs/http.md, not from the server; after a mistake that leaves the framing in doubt the connection must
end, after any other it must go on. The seed is printed."""
import json
import os
import random
import select
import socket
import sys
import threading
import unittest

from harness import DEADLINE_S, Checks, Project, Server, flights_project

SEED = int(os.environ.get("FLOE_SEED", random.SystemRandom().randrange(2 ** 32)))
LOOKUP = {"features": ["airport_delays:delay_count"], "entities": {"origin": ["SFO", "JFK", "XXX"]}}
# SFO's flights with a delay: two; JFK's: one; an airport that is not there has none.
COUNTS = [[2, 1, 0]]
BODY_MAX = 4 << 20


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def closes(self):
        return "close" in self.headers.get("connection", "").lower()


class Connection:
    """A socket that is read by the rules of RFC 9112: one answer at a time, framed by Content-Length or chunks."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        self.held = b""

    def send_pieces(self, data, rng):
        """In pieces, each a write of its own."""
        at = 0
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while at < len(data):
            size = rng.choice([1, 2, 7, 100, 1000, 65536, len(data)])
            self.socket.sendall(data[at:at + size])
            at += size

    def more(self):
        got = self.socket.recv(65536)
        self.held += got
        return bool(got)

    def line(self):
        while b"\r\n" not in self.held:
            if not self.more():
                return None
        line, self.held = self.held.split(b"\r\n", 1)
        return line.decode("latin-1")

    def take(self, count):
        while len(self.held) < count:
            if not self.more():
                raise AssertionError("the connection ended inside a body")
        taken, self.held = self.held[:count], self.held[count:]
        return taken

    def answer(self, head_only=False):
        """The next answer, an interim one skipped; None when the connection has ended."""
        first = self.line()
        if first is None:
            return None
        version, status, *_ = first.split(" ", 2)
        if not version.startswith("HTTP/1."):
            raise AssertionError(f"no status line: {first!r}")
        headers = {}
        while True:
            line = self.line()
            if line is None:
                raise AssertionError("the connection ended inside a head")
            if line == "":
                break
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        if status == "100":
            return self.answer(head_only)
        if head_only or status in ("204", "304"):
            return Answer(int(status), headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                size = int(self.line().split(";")[0], 16)
                body += self.take(size)
                self.line()
                if size == 0:
                    return Answer(int(status), headers, body)
        return Answer(int(status), headers, self.take(int(headers["content-length"])))

    def is_open(self):
        ready, _, _ = select.select([self.socket], [], [], 0)
        return not ready or self.more()

    def close(self):
        self.socket.close()


class Request:
    """A request's bytes and what must come back: one of some statuses, what is in the body, and whether the connection then ends."""

    def __init__(self, data, status, check=None, ends=False, head_only=False):
        self.data, self.check, self.ends, self.head_only = data, check, ends, head_only
        self.statuses = status if isinstance(status, tuple) else (status,)


def case(rng, text):
    return "".join(rng.choice([c.lower(), c.upper()]) for c in text)


def head(rng, method, target, headers, version="HTTP/1.1"):
    """A head with its headers in any order and case, and as much space before values as the grammar lets. (Space behind a
    length or a coding is what the engine refuses; docs/http.md says so.)"""
    behind = {name: "" if name in ("Content-Length", "Transfer-Encoding") else rng.choice(["", " "]) for name, _ in headers}
    lines = [f"{case(rng, name)}:{rng.choice(['', ' ', '  ', chr(9)])}{value}{behind[name]}" for name, value in headers]
    rng.shuffle(lines)
    return f"{method} {target} {version}\r\n{''.join(line + chr(13) + chr(10) for line in lines)}\r\n".encode()


# What may stand behind a chunk's size; libmicrohttpd 1.0.1 refuses extensions (it begins the chunk with their line's end).
EXTENSIONS = [b"", b";x", b';name="value"']


def chunked(rng, body):
    data, at = b"", 0
    while at < len(body):
        size = rng.choice([1, 3, 17, 500, len(body)])
        piece = body[at:at + size]
        number = f"{len(piece):x}" if rng.random() < 0.5 else f"{len(piece):X}".rjust(rng.choice([1, 4]), "0")
        data += number.encode() + rng.choice(EXTENSIONS) + b"\r\n" + piece + b"\r\n"
        at += len(piece)
    return data + b"0\r\n" + rng.choice([b"", b"X-Trailer: 1\r\n"]) + b"\r\n"


def escaped(rng, path):
    """The path with some characters as escapes: it is the same path (RFC 3986, 6.2.2.2)."""
    return "/" + "".join(f"%{ord(c):02x}" if rng.random() < 0.2 else f"%{ord(c):02X}" if rng.random() < 0.1 else c for c in path[1:])


HOST = ("Host", "localhost")


def lookup(rng, body=None, status=200, check=None):
    body = json.dumps(LOOKUP).encode() if body is None else body
    headers = [HOST, ("Content-Type", rng.choice(["application/json", "Application/JSON; charset=utf-8"]))]
    if rng.random() < 0.4:
        return Request(head(rng, "POST", "/v1/lookup", headers + [("Transfer-Encoding", "chunked")]) + chunked(rng, body), status, check)
    return Request(head(rng, "POST", "/v1/lookup", headers + [("Content-Length", len(body))]) + body, status, check)


def right_counts(answer):
    return json.loads(answer.body)["values"] == COUNTS


def is_problem(code):
    def check(answer):
        problem = json.loads(answer.body)
        return answer.headers["content-type"] == "application/problem+json" and problem["code"] == code \
            and problem["status"] == answer.status
    return check


def good(rng):
    return rng.choice([
        lambda: lookup(rng, check=right_counts),
        lambda: lookup(rng, check=right_counts),
        lambda: Request(head(rng, "GET", escaped(rng, "/livez"), [HOST]), 200),
        lambda: Request(head(rng, "GET", "http://localhost" + "/readyz", [HOST]), 200),
        lambda: Request(head(rng, "HEAD", "/livez", [HOST]), 200, head_only=True),
        lambda: Request(head(rng, "HEAD", "/openapi.json", [HOST, ("Accept", "*/*")]), 200, head_only=True),
        lambda: Request(head(rng, "GET", "/v1/search?q=flight+delay&k=1", [HOST]), 200, lambda a: len(json.loads(a.body)["hits"]) == 1),
        lambda: Request(head(rng, "GET", "/v1/search?q=%66light%20delay&k=%31", [HOST]), 200, lambda a: len(json.loads(a.body)["hits"]) == 1),
        lambda: Request(head(rng, "OPTIONS", "/v1/lookup", [HOST]), 200, lambda a: "POST" in a.headers["allow"]),
        lambda: Request(b"\r\n" + head(rng, "GET", "/livez", [HOST]), 200),
    ])()


def refused(rng):
    """Mistakes that leave no doubt where the next request begins: the connection goes on."""
    return rng.choice([
        lambda: Request(head(rng, "GET", "/nowhere", [HOST]), 404, is_problem("NOT_FOUND")),
        lambda: Request(head(rng, "DELETE", "/v1/lookup", [HOST]), 405, lambda a: "POST" in a.headers["allow"]),
        lambda: Request(head(rng, "GET", "/v1/lookup", [HOST]), 405),
        lambda: Request(head(rng, "BREW", "/livez", [HOST]), 405),
        lambda: Request(head(rng, "GET", "/livez%00", [HOST]), 400, is_problem("INVALID")),
        lambda: Request(head(rng, "GET", "/livez%zz", [HOST]), 400, is_problem("INVALID")),
        lambda: Request(head(rng, "GET", "/v1/search", [HOST]), 400, is_problem("INVALID")),
        lambda: Request(head(rng, "GET", "/v1/search?q=x&nonsense=1", [HOST]), 400, is_problem("INVALID")),
        lambda: Request(head(rng, "GET", "/v1/search?q=x", [HOST, ("Accept", "text/html")]), 406),
        lambda: lookup(rng, b"", 400, is_problem("INVALID")),
        lambda: lookup(rng, b"{", 400, is_problem("INVALID")),
        lambda: lookup(rng, b"[]", 400, is_problem("INVALID")),
        lambda: lookup(rng, b'{"features":[],"features":[]}', 400, is_problem("INVALID")),
        lambda: lookup(rng, b'{"features":["airport_delays"],"entities":{"origin":["\xff"]}}', 400, is_problem("INVALID")),
        lambda: lookup(rng, b'{"features":["airport_delays"],"entities":{"origin":[5]}}', 400, is_problem("INVALID")),
        lambda: lookup(rng, b'{"features":["nowhere:x"],"entities":{"origin":["SFO"]}}', 404, is_problem("NOT_FOUND")),
        lambda: lookup(rng, b'{"a":' + b"[" * 80 + b"]" * 80 + b"}", 413, is_problem("LIMIT")),
    ])()


def doubtful(rng):
    """Mistakes after which nobody can know where the next request begins: the connection ends, whatever is behind."""
    body = json.dumps(LOOKUP).encode()
    hidden = rng.choice([b"Transfer-Encoding : chunked", b"Transfer-Encoding:\r\n chunked", b"X: y\r\n\tTransfer-Encoding: chunked",
                         b": x\r\nTransfer-Encoding: chunked", b"Transfer Encoding: chunked", b"X: a\0b\r\nTransfer-Encoding: chunked",
                         b"X: a\rTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\0", b"Transfer-Encoding: ch\0unked"])
    return rng.choice([
        lambda: Request(b"POST /v1/lookup HTTP/1.1\r\nHost: h\r\n" + hidden + b"\r\n\r\n" + chunked(rng, body), 400, ends=True),
        lambda: Request(b"POST /v1/lookup HTTP/1.1\r\n" + hidden + b"\r\nHost: h\r\n\r\n" + chunked(rng, body), 400, ends=True),
        lambda: Request(b"POST /v1/lookup HTTP/1.1\r\n Host: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(rng, body), 400, ends=True),
        lambda: Request(head(rng, "POST", "/v1/lookup", [HOST, ("Content-Length", len(body)), ("Transfer-Encoding", "chunked")])
                        + chunked(rng, body), 400, ends=True),
        lambda: Request(head(rng, "POST", "/v1/lookup", [HOST, ("Content-Length", 5), ("Content-Length", 6)]) + b"{}   {", 400, ends=True),
        lambda: Request(head(rng, "POST", "/v1/lookup", [HOST, ("Transfer-Encoding", "gzip, chunked")])
                        + chunked(rng, body), (501, 400), ends=True),
        lambda: Request(head(rng, "POST", "/v1/lookup", [HOST, ("Content-Length", "five")]) + b"{}", 400, ends=True),
        lambda: Request(head(rng, "POST", "/v1/lookup", [HOST, ("Content-Length", "-1")]) + b"{}", 400, ends=True),
        lambda: Request(head(rng, "POST", "/v1/lookup", [HOST, ("Transfer-Encoding", "chunked")]) + b"zz\r\n{}\r\n0\r\n\r\n", 400, ends=True),
    ])()


def last(rng):
    """Requests that say themselves that they are the last."""
    return rng.choice([
        lambda: Request(head(rng, "GET", "/livez", [HOST, ("Connection", "close")]), 200, ends=True),
        lambda: Request(head(rng, "GET", "/livez", [], "HTTP/1.0"), 200, ends=True),
        lambda: Request(head(rng, "GET", "/nowhere", [HOST, ("Connection", "Close")]), 404, ends=True),
    ])()


class Torture(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"FLOE_SEED={SEED}", file=sys.stderr)
        cls.project = flights_project(yaml=Project.YAML + "search: {embedder: none}\n")
        cls.project.floe_ok("sync")
        cls.project.floe_ok("index")
        cls.server = Server(cls.project, "--threads", "2")
        cls.port = int(cls.server.url.rsplit(":", 1)[1])
        cls.learn_extensions()

    @classmethod
    def learn_extensions(cls):
        """Chunk extensions are either passed over or refused together with their connection: never half."""
        connection, body = Connection(cls.port), json.dumps(LOOKUP).encode()
        connection.socket.sendall(head(random.Random(1), "POST", "/v1/lookup", [HOST, ("Transfer-Encoding", "chunked")])
                                  + b"%x;x=y\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
        answer = connection.answer()
        connection.close()
        if answer.status != 200:
            assert (answer.status, answer.closes) == (400, True), (answer.status, answer.headers)
            del EXTENSIONS[1:]

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.project.__exit__()

    def read_answers(self, connection, requests, failures):
        for number, request in enumerate(requests):
            answer = connection.answer(request.head_only)
            if answer is None:
                failures.append(f"{number}: no answer to {request.data[:300]!r}")
            elif answer.status not in request.statuses or (request.check and not request.check(answer)):
                failures.append(f"{number}: {answer.status} {answer.body[:300]!r}, not {request.statuses}, to {request.data[:300]!r}")
            elif request.ends and not answer.closes:
                failures.append(f"{number}: an answer that does not say that it is the last: {answer.headers} to {request.data[:300]!r}")
            elif not request.ends and answer.closes:
                failures.append(f"{number}: an answer that ends the connection to {request.data[:300]!r}")
            if failures:
                return

    def talk(self, seed, failures):
        """One connection: a row of requests, written in pieces while the answers are read."""
        rng = random.Random(seed)
        requests = [rng.choice([good, good, refused])(rng) for _ in range(rng.randint(1, 40))]
        if rng.random() < 0.7:
            requests.append(rng.choice([doubtful, last])(rng))
        connection = Connection(self.port)
        try:
            data = b"".join(request.data for request in requests)
            behind = head(rng, "GET", "/livez", [HOST]) if requests[-1].ends and rng.random() < 0.3 else b""
            writer = threading.Thread(target=self.write, args=(connection, data + behind, rng, requests[-1].ends, failures))
            writer.start()
            self.read_answers(connection, requests, failures)
            writer.join(DEADLINE_S)
            if requests[-1].ends and not failures and not self.has_ended(connection):
                failures.append(f"the connection goes on after {requests[-1].data[:300]!r}")
        except Exception as error:  # A thread's failure is the test's.
            failures.append(f"{error!r} after {[request.data[:100] for request in requests]}")
        finally:
            connection.close()
        if failures:
            failures.append(f"seed {seed}")

    @staticmethod
    def write(connection, data, rng, may_break, failures):
        try:
            connection.send_pieces(data, rng)
        except OSError as error:
            if not may_break:
                failures.append(f"writing broke: {error}")

    @staticmethod
    def has_ended(connection):
        """An end, and no answer before it. (Of a length that is no number the engine writes its head twice, then ends.)"""
        try:
            while connection.more():
                pass
        except OSError:
            pass  # A reset: what was sent behind the end was not read.
        return b"HTTP/1.1 200" not in connection.held

    def test_rows_of_requests_on_many_connections__are_each_answered_in_their_order(self):
        for first in range(0, 240, 8):
            failures = []
            threads = [threading.Thread(target=self.talk, args=(SEED + first + i, failures)) for i in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(DEADLINE_S)
            self.assertEqual(failures, [])

    def ask(self, data, head_only=False):
        connection = Connection(self.port)
        try:
            connection.socket.sendall(data)
            return connection.answer(head_only)
        finally:
            connection.close()

    def test_heads_of_any_size__are_read_up_to_sixteen_kilobytes(self):
        """The head is all before the empty line; within the limit it is read, beyond it is 431 (RFC 6585)."""
        for size, status in ((1000, 200), (16000, 200), (17000, 431), (30000, 431)):
            base = len(head(random.Random(0), "GET", "/livez", [HOST]))
            answer = self.ask(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Pad: " + b"a" * (size - base - 9) + b"\r\n\r\n")
            self.assertEqual((size, answer.status), (size, status))

    def test_many_small_headers__are_read_or_refused_and_never_half(self):
        for count, status in ((10, 200), (200, 200), (5000, 431)):
            lines = b"".join(b"X-%d: y\r\n" % i for i in range(count))
            self.assertEqual(self.ask(b"GET /livez HTTP/1.1\r\nHost: h\r\n" + lines + b"\r\n").status, status)

    def test_bodies_around_the_limit__in_both_framings(self):
        rng = random.Random(SEED)
        padded = json.dumps(LOOKUP).encode()
        for size, status in ((BODY_MAX, 200), (BODY_MAX + 1, 413), (BODY_MAX * 3, 413)):
            body = padded + b" " * (size - len(padded))
            plain = head(rng, "POST", "/v1/lookup", [HOST, ("Content-Length", size)]) + body
            half = size // 2
            parts = b"%x\r\n" % half + body[:half] + b"\r\n" + b"%x\r\n" % (size - half) + body[half:] + b"\r\n0\r\n\r\n"
            in_chunks = head(rng, "POST", "/v1/lookup", [HOST, ("Transfer-Encoding", "chunked")]) + parts
            for data in (plain, in_chunks):
                connection = Connection(self.port)
                writer = threading.Thread(target=self.write, args=(connection, data, random.Random(5), True, []))
                writer.start()
                self.assertEqual((size, connection.answer().status), (size, status))
                connection.close()
                writer.join(DEADLINE_S)

    def test_versions__older_ones_end_and_keep_alive_is_asked_for(self):
        self.assertTrue(self.ask(b"GET /livez HTTP/1.0\r\n\r\n").closes)
        connection = Connection(self.port)
        for _ in range(3):
            connection.socket.sendall(b"GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = connection.answer()
            self.assertEqual((answer.status, answer.headers.get("connection", "").lower()), (200, "keep-alive"))
        connection.close()
        self.assertEqual(self.ask(b"GET /livez HTTP/2.0\r\nHost: h\r\n\r\n").status, 505)

    def test_junk__ends_and_harms_nobody(self):
        rng = random.Random(SEED)
        for round_number in range(200):
            connection = Connection(self.port)
            try:
                connection.socket.sendall(bytes(rng.randrange(256) for _ in range(rng.randint(1, 2000))) + b"\r\n\r\n")
                connection.socket.shutdown(socket.SHUT_WR)
                while connection.more():
                    pass
            except OSError:
                pass  # It was reset: that is an end, too.
            connection.close()
        self.assertEqual(self.ask(head(rng, "GET", "/livez", [HOST])).status, 200)

    def test_a_slow_client_beside_fast_ones__holds_nobody_up(self):
        """A head that comes a byte at a time is answered when it is whole, and others are answered meanwhile."""
        slow, data = Connection(self.port), head(random.Random(1), "GET", "/livez", [HOST])
        for byte in data[:-1]:
            slow.socket.sendall(bytes([byte]))
            self.assertEqual(self.ask(lookup(random.Random(byte)).data).status, 200)
        self.assertTrue(slow.is_open())
        slow.socket.sendall(data[-1:])
        self.assertEqual(slow.answer().status, 200)
        slow.close()

    def test_answers_that_nobody_reads__are_kept_and_then_given(self):
        """More answers than fit into the sockets: the server waits and does not mix them up."""
        connection, count = Connection(self.port), 400
        request = head(random.Random(2), "GET", "/openapi.json", [HOST])
        writer = threading.Thread(target=self.write, args=(connection, request * count, random.Random(3), False, []))
        writer.start()
        select.select([connection.socket], [], [])
        first = connection.answer()
        self.assertEqual(first.status, 200)
        for _ in range(count - 1):
            self.assertEqual(connection.answer().body, first.body)
        writer.join(DEADLINE_S)
        connection.close()

    def test_the_server_lives_and_counted_them(self):
        status, _ = self.server.request("/readyz")
        self.assertEqual(status, 200)
        self.assertIsNone(self.server.process.poll())


if __name__ == "__main__":
    unittest.main()
