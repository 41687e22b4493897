"""A small S3 server for tests: path style, signatures checked with the secret, ranges, conditions, listings in pages. It can be
told to fail. Written from the S3 API reference; it shares no code with floe."""
import datetime
import hashlib
import hmac
import http.server
import ssl
import subprocess
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape


def sign(secret, method, path, query, headers, signed, payload, time, region):
    """Signature Version 4, section by section as its documentation has them."""
    pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
    canonical_query = "&".join(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}" for k, v in pairs)
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in signed)
    canonical = "\n".join([method, path, canonical_query, lines, ";".join(signed), payload])
    scope = f"{time[:8]}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in (time[:8], region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=None):
        self.server.store.hook("done")
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.server.store.sent += len(body)
            self.wfile.write(body)

    def refuse(self, status, code):
        self.answer(status, f"<Error><Code>{code}</Code><Message>{code} of the test</Message></Error>".encode())

    def is_signed(self, body):
        store = self.server.store
        headers = {name.lower(): value for name, value in self.headers.items()}
        authorization = headers.get("authorization", "")
        if not authorization.startswith("AWS4-HMAC-SHA256 "):
            return False
        fields = dict(part.strip().split("=", 1) for part in authorization[len("AWS4-HMAC-SHA256 "):].split(","))
        access, _, region, _, _ = fields["Credential"].split("/")
        split = urllib.parse.urlsplit(self.path)
        payload = headers["x-amz-content-sha256"]
        signed = fields["SignedHeaders"].split(";")
        key = store.keys.get(access)
        if key is None:
            return False
        want = sign(key.secret, self.command, split.path, split.query, headers, signed, payload, headers["x-amz-date"], region)
        return (region == store.region and fields["Signature"] == want
                and payload == hashlib.sha256(body).hexdigest() and {"host", "x-amz-date"} <= set(signed)
                and headers.get("x-amz-security-token", "") == key.token
                and (not key.token or "x-amz-security-token" in signed))

    def key_of(self):
        """The key that signed the request."""
        return self.server.store.keys[self.headers["Authorization"].split("Credential=", 1)[1].split("/", 1)[0]]

    def handle_any(self):
        store = self.server.store
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        split = urllib.parse.urlsplit(self.path)
        bucket, _, key = split.path[1:].partition("/")
        key = urllib.parse.unquote(key)
        store.hook("asked")
        with store.lock:
            store.requests.append((self.command, key, split.query))
            if self.command in store.refuses:
                return self.refuse(403, "AccessDenied")
            if store.failures:
                status = store.failures.pop(0)
                return self.refuse(status, "SlowDown")
        if not self.is_signed(body):
            return self.refuse(403, "SignatureDoesNotMatch")
        if self.key_of().is_over():
            return self.refuse(400, "ExpiredToken")
        query = dict(urllib.parse.parse_qsl(split.query, keep_blank_values=True))
        if not (key or query.get("prefix", "")).startswith(self.key_of().prefix):
            return self.refuse(403, "AccessDenied")
        if bucket != store.bucket:
            return self.refuse(404, "NoSuchBucket")
        if self.command == "GET" and not key:
            return self.list(query)
        with store.lock:
            return getattr(self, self.command.lower())(store, key, body)

    do_GET = do_HEAD = do_PUT = do_DELETE = handle_any

    def get(self, store, key, _):
        if key not in store.objects:
            return self.refuse(404, "NoSuchKey")
        data = store.objects[key]
        etag = '"%s"' % hashlib.md5(data).hexdigest()
        if self.headers.get("If-Match", etag) != etag:
            return self.refuse(412, "PreconditionFailed")
        headers = {"ETag": etag}
        if "Range" not in self.headers or self.command == "HEAD":
            return self.answer(200, data, headers | {"Content-Length": str(len(data))})
        first, last = (int(x) for x in self.headers["Range"].removeprefix("bytes=").split("-"))
        if first >= len(data):
            return self.refuse(416, "InvalidRange")
        part = data[first:last + 1]
        return self.answer(206, part, headers | {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(data)}"})

    head = get

    def put(self, store, key, body):
        if self.headers.get("If-None-Match") == "*" and key in store.objects:
            return self.refuse(412, "PreconditionFailed")
        store.objects[key] = body
        store.times[key] = time.time()
        return self.answer(200, b"", {"ETag": '"%s"' % hashlib.md5(body).hexdigest()})

    def delete(self, store, key, _):
        store.objects.pop(key, None)
        return self.answer(204)

    def list(self, query):
        """ListObjectsV2, with a delimiter or without, names percent-encoded."""
        store = self.server.store
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "")
        with store.lock:
            keys = sorted(key for key in store.objects if key.startswith(prefix))
        entries = []
        for key in keys:
            rest = key[len(prefix):]
            name = (prefix + rest.split("/")[0] + "/", True) if "/" in rest and query.get("delimiter") else (key, False)
            if name not in entries:
                entries.append(name)
        entries = [entry for entry in entries if entry[0] > after]
        size = min(int(query.get("max-keys", "1000")), store.page_size)
        page, more = entries[:size], len(entries) > size
        parts = ["<?xml version='1.0' encoding='UTF-8'?><ListBucketResult>",
                 f"<Name>{store.bucket}</Name><Prefix>{escape(urllib.parse.quote(prefix))}</Prefix>",
                 f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>"]
        if more:
            parts.append(f"<NextContinuationToken>{escape(page[-1][0])}</NextContinuationToken>")
        for key, is_prefix in page:
            name = escape(urllib.parse.quote(key))
            parts.append(f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>" if is_prefix else
                         f"<Contents><Key>{name}</Key><LastModified>{store.changed(key)}</LastModified>"
                         f"<Size>{len(store.objects.get(key, b''))}</Size></Contents>")
        return self.answer(200, ("".join(parts) + "</ListBucketResult>").encode(), {"Content-Type": "application/xml"})


def make_certificate(folder):
    """A certificate of its own for this machine: ca.pem is what to trust, both.pem has its key too."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/ca.pem",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    with open(f"{folder}/both.pem", "w") as both:
        for name in ("key", "ca"):
            with open(f"{folder}/{name}.pem") as part:
                both.write(part.read())


class Key:
    """What opens objects: those under a prefix, until it is over."""

    def __init__(self, secret, token="", prefix=""):
        self.secret, self.token, self.prefix, self.over, self.used = secret, token, prefix, False, 0
        self.lasts = None  # requests; None: for ever

    def is_over(self):
        self.used += 1
        return self.over or (self.lasts is not None and self.used > self.lasts)


class ObjectStore:
    def __init__(self, bucket="bucket", session_token="", page_size=1000, certificate=None):
        self.bucket, self.session_token, self.page_size = bucket, session_token, page_size
        self.access_key, self.secret_key, self.region = "AKIDTEST", "se/cr+et", "eu-test-1"
        self.keys = {self.access_key: Key(self.secret_key, session_token)}  # access key → Key
        self.objects, self.requests, self.failures, self.lock = {}, [], [], threading.Lock()
        self.times = {}  # of the objects, seconds; those without are of the server's start
        self.sent = 0  # bytes of bodies
        self.refuses = set()  # methods that are denied
        self.hook = lambda moment: None  # told of each request when it was "asked" and, before the answer, when it is "done"
        self.started = time.time()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.store = self
        self.scheme = "https" if certificate else "http"
        if certificate:  # a file that holds its key too
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def changed(self, key):
        moment = datetime.datetime.fromtimestamp(self.times.get(key, self.started), datetime.timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (moment.microsecond // 1000)

    @property
    def endpoint(self):
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}"

    def storage(self, **other):
        """The `storage:` of floe.yaml."""
        told = {"endpoint": self.endpoint, "region": self.region, "path_style": "true", "access_key": self.access_key,
                "secret_key": self.secret_key} | ({"session_token": self.session_token} if self.session_token else {}) | other
        return "{" + ", ".join(f'{key}: {value}' if value in ("true", "false") else f'{key}: "{value}"' for key, value in told.items()) + "}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
