"""An Iceberg REST catalog for tests: the protocol over PyIceberg's SQL catalog, so that every commit is judged and applied by code
that is not floe's. It can ask for tokens, list in pages, be busy, and lose its answers."""
import gzip
import http.server
import json
import threading
import urllib.parse

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (CommitFailedException, NamespaceAlreadyExistsError, NoSuchNamespaceError,
                                  NoSuchTableError, TableAlreadyExistsError)
from pyiceberg.schema import Schema
from pyiceberg.table import CommitTableRequest

STATUS = {NoSuchTableError: 404, NoSuchNamespaceError: 404, TableAlreadyExistsError: 409, CommitFailedException: 409,
          NamespaceAlreadyExistsError: 409}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, value=None):
        self.server.service.hook("done")
        body = b"" if value is None else json.dumps(value).encode()
        form = self.server.service.form
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if form == "gzip":
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        if form == "chunked":
            body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[i:i + 100] for i in range(0, len(body), 100)))
            body += b"0\r\n\r\n"
        self.send_header(*(("Transfer-Encoding", "chunked") if form == "chunked" else ("Content-Length", str(len(body)))))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, message):
        self.answer(status, {"error": {"message": message, "type": "Test", "code": status}})

    def handle_any(self):
        service = self.server.service
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        split = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(split.query))
        parts = [urllib.parse.unquote(part) for part in split.path.split("/")[1:]]
        service.hook("asked")
        service.requests.append((self.command, split.path, query))
        if service.sends_on:
            self.send_response(307)
            self.send_header("Location", service.sends_on + self.path)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if service.failures and "oauth" not in split.path:
            status = service.failures.pop(0)
            return self.refuse(status, f"told to fail with {status}")
        if split.path == "/v1/oauth/tokens":
            return self.token(urllib.parse.parse_qs(body.decode()))
        if service.credential and self.headers.get("Authorization") != f"Bearer {service.token}":
            return self.refuse(401, "no token, or an old one")
        if split.path == "/v1/config":
            service.warehouses.append(query.get("warehouse"))
            return self.answer(200, {"defaults": {}, "overrides": service.overrides | ({"prefix": service.prefix} if service.prefix else {})})
        if service.prefix:
            assert parts[1] == service.prefix, parts
            parts.pop(1)
        try:
            with service.lock:
                return self.route(parts[1:], query, json.loads(body) if body else None)
        except tuple(STATUS) as error:
            return self.refuse(STATUS[type(error)], str(error))

    do_GET = do_POST = do_HEAD = handle_any

    def token(self, form):
        service = self.server.service
        given = ":".join(form.get(name, [""])[0] for name in ("client_id", "client_secret"))
        if form.get("grant_type") != ["client_credentials"] or given != service.credential:
            return self.answer(401, {"error": "invalid_client", "error_description": "who are you?"})
        service.tokens += 1
        service.token = f"token-{service.tokens}"
        self.answer(200, {"access_token": service.token, "token_type": "bearer", "expires_in": service.expires_in})

    def page(self, key, values, query):
        service = self.server.service
        if service.endless:
            return self.answer(200, {key: [], "next-page-token": f"another-{len(service.requests)}"})
        start = int(query.get("pageToken") or 0)
        page = {key: values[start:start + service.page_size]}
        if start + service.page_size < len(values):
            page["next-page-token"] = str(start + service.page_size)
        page |= service.listing
        self.answer(200, page)

    def table(self, identifier):
        """What is said of a table that is loaded: with the keys of its files."""
        table = self.server.service.catalog.load_table(identifier)
        self.answer(200, self.state(table) | {"config": self.server.service.config} | self.vended(table.metadata.location))

    def state(self, table):
        return {"metadata-location": table.metadata_location, "metadata": json.loads(table.metadata.model_dump_json())}

    def vended(self, location):
        asked = self.headers.get("X-Iceberg-Access-Delegation") == "vended-credentials"
        return self.server.service.vend(location) if asked else {}

    def route(self, parts, query, body):
        catalog = self.server.service.catalog
        space = tuple(parts[1].split(self.server.service.separator)) if len(parts) > 1 else ()
        if parts == ["namespaces"] and self.command == "GET":
            parent = tuple(query["parent"].split(self.server.service.separator)) if "parent" in query else ()
            return self.page("namespaces", [list(name) for name in catalog.list_namespaces(parent)], query)
        if parts == ["namespaces"]:
            catalog.create_namespace(tuple(body["namespace"]))
            return self.answer(200, {"namespace": body["namespace"], "properties": {}})
        if len(parts) == 3 and self.command == "GET":
            return self.page("identifiers", [{"namespace": list(name[:-1]), "name": name[-1]} for name in catalog.list_tables(space)],
                             query)
        if len(parts) == 3:
            return self.stage(space, body)
        if self.command == "GET":
            return self.table((*space, parts[3]))
        return self.commit((*space, parts[3]), body)

    def stage(self, space, body):
        service = self.server.service
        assert body["stage-create"] is True
        if not service.catalog.namespace_exists(space):
            raise NoSuchNamespaceError(f"no namespace {'.'.join(space)}")
        if service.catalog.table_exists((*space, body["name"])):
            raise TableAlreadyExistsError("it exists")
        staged = service.catalog._create_staged_table((*space, body["name"]), Schema())
        self.answer(200, {"metadata": {"location": staged.metadata.location}, "config": service.config}
                    | self.vended(staged.metadata.location))

    def commit(self, identifier, body):
        service = self.server.service
        request = CommitTableRequest.model_validate(body)
        if service.refuse_commits:
            status = service.refuse_commits.pop()
            return self.refuse(status, f"told to fail with {status}")
        creates = any(requirement.type == "assert-create" for requirement in request.requirements)
        if creates:
            table = service.catalog._create_staged_table(identifier, Schema())
            if service.catalog.table_exists(identifier):
                raise TableAlreadyExistsError("it exists")
        else:
            table = service.catalog.load_table(identifier)
        service.catalog.commit_table(table, request.requirements, request.updates)
        service.commits.append([update.action for update in request.updates])
        if service.refuse_landed:
            status = service.refuse_landed.pop()
            return self.refuse(status, f"told to fail with {status}")
        if service.lost_answers:
            service.lost_answers -= 1
            self.close_connection = True
            return self.connection.close()
        return self.answer(200, self.state(service.catalog.load_table(identifier)))


class RestCatalog:
    def __init__(self, folder, prefix="", credential="", page_size=1000, warehouse=None, config=None, properties=None):
        self.prefix, self.credential, self.page_size, self.config = prefix, credential, page_size, config or {}
        self.token, self.tokens, self.lost_answers = None, 0, 0
        self.requests, self.failures, self.commits, self.warehouses = [], [], [], []
        self.lock = threading.Lock()
        self.refuse_commits, self.refuse_landed = [], []  # statuses for commits that are not made, and for such that are
        self.form = ""  # of answers: "gzip", "chunked"
        self.sends_on = ""  # to which server all requests are redirected
        self.endless = False  # listings
        self.expires_in = 3600  # of tokens
        self.overrides = {}  # of the configuration
        self.separator = "\x1f"  # of the levels of a namespace
        self.listing = {}  # key of an answer → what is said in its place
        self.vend = lambda location: {}  # what else the answer about a table says, for who asks for keys
        self.hook = lambda moment: None  # told of each request when it was "asked" and, before the answer, when it is "done"
        self.catalog = SqlCatalog("test", uri=f"sqlite:///{folder}/catalog.db",
                                  warehouse=warehouse or f"file://{folder}/warehouse", **(properties or {}))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.service = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def uri(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
