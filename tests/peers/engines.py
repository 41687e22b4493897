"""Engines and services of others, started for a test: Spark in this process, Iceberg's REST catalog and an S3 server in one of
their own each. And rows of theirs and of floe in one form, to be compared."""
import json
import math
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import datetime, timezone

SPARK = os.environ["FLOE_SPARK_DIR"]
REST = os.environ["FLOE_REST_CATALOG_DIR"]
S3_PY = os.environ["FLOE_OBJECT_STORE_PY"]
FLOE = os.environ["FLOE_BIN"]


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def spark(warehouse, rest_uri=None):
    """A session with the directory catalog `lake` and, with an address, the REST catalog `prod`. Zone-less times are UTC."""
    os.environ.setdefault("SPARK_HOME", os.path.join(SPARK, "deps"))
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["TZ"] = "UTC"
    sys.path[:0] = [SPARK, *(os.path.join(SPARK, "lib", name) for name in os.listdir(os.path.join(SPARK, "lib"))
                             if name.startswith("py4j"))]
    from pyspark.sql import SparkSession
    settings = {"spark.jars": os.path.join(SPARK, "iceberg.jar"), "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false",
                "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
                "spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "2", "spark.driver.memory": "1g",
                "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
                "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
                "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog", "spark.sql.catalog.lake.type": "hadoop",
                "spark.sql.catalog.lake.warehouse": warehouse, "spark.sql.catalog.lake.cache-enabled": "false"}
    if rest_uri:
        settings |= {"spark.sql.catalog.prod": "org.apache.iceberg.spark.SparkCatalog", "spark.sql.catalog.prod.type": "rest",
                     "spark.sql.catalog.prod.uri": rest_uri, "spark.sql.catalog.prod.cache-enabled": "false"}
    builder = SparkSession.builder.master("local[2]").appName("floe")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


class Service:
    """A process that answers at `uri`; its output lies in the folder."""

    def __init__(self, command, folder, log, environment, port, probe="/"):
        self.port = port
        self.log = open(os.path.join(folder, log), "w")
        self.process = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        end = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(self.uri + probe, timeout=5).read()
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.1)

    @property
    def uri(self):
        return f"http://127.0.0.1:{self.port}"

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class S3Server(Service):
    """moto's S3. Whatever keys are given are taken."""
    access_key, secret_key, region = "AKIDPEER", "se/cr+et", "us-east-1"

    def __init__(self, folder):
        port = free_port()
        super().__init__([S3_PY, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], folder, "s3.log", dict(os.environ), port)

    @property
    def storage(self):
        """The `storage:` of floe.yaml."""
        return (f'{{endpoint: "{self.uri}", region: {self.region}, path_style: true, access_key: {self.access_key}, '
                f'secret_key: "{self.secret_key}"}}')

    @property
    def properties(self):
        """What PyIceberg wants to be told."""
        return {"s3.endpoint": self.uri, "s3.access-key-id": self.access_key, "s3.secret-access-key": self.secret_key,
                "s3.region": self.region}

    def files(self):
        from pyarrow.fs import S3FileSystem
        return S3FileSystem(access_key=self.access_key, secret_key=self.secret_key, endpoint_override=self.uri, region=self.region,
                            allow_bucket_creation=True)


class RestServer(Service):
    """Iceberg's own REST catalog over a folder or, with an S3 server, over its objects; then it hands its keys on with each table.
    Its names stand in a database file: in memory, which is its way unless told, they are lost whenever it connects to its
    database anew, as it does after a commit that came too late."""

    def __init__(self, folder, warehouse=None, s3=None):
        port = free_port()
        environment = {**os.environ, "CATALOG_WAREHOUSE": warehouse or f"file://{folder}/warehouse", "CATALOG_REST_PORT": str(port),
                       "CATALOG_URI": f"jdbc:sqlite:{folder}/catalog.db?busy_timeout=60000"}
        if s3:
            environment |= {"CATALOG_IO__IMPL": "org.apache.iceberg.aws.s3.S3FileIO", "CATALOG_S3_ENDPOINT": s3.uri,
                            "CATALOG_S3_PATH__STYLE__ACCESS": "true", "CATALOG_S3_ACCESS__KEY__ID": s3.access_key,
                            "CATALOG_S3_SECRET__ACCESS__KEY": s3.secret_key, "CATALOG_CLIENT_REGION": s3.region,
                            "CATALOG_INCLUDE__CREDENTIALS": "true", "AWS_REGION": s3.region}
        command = ["java", "-Xmx512m", "-cp", os.path.join(REST, "*"), "org.apache.iceberg.rest.RESTCatalogServer"]
        super().__init__(command, folder, "rest.log", environment, port, "/v1/config")


def floe(*arguments, cwd=None):
    done = subprocess.run([FLOE, *arguments], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    assert done.returncode == 0, f"floe {' '.join(arguments)}: {done.stderr.decode()}"
    return done.stdout.decode()


TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?$")


def plain(value):
    """One form for a value, whoever printed it."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else "%r" % value
    if isinstance(value, str) and TIME.match(value):
        text = value.replace("Z", "").replace("+00:00", "")
        moment = datetime.fromisoformat(text.split(".")[0]).replace(tzinfo=timezone.utc)
        return [int(moment.timestamp()), (text.split(".") + [""])[1].rstrip("0")]
    return value


def ordered(rows):
    return sorted((plain(row) for row in rows), key=lambda row: json.dumps(row, sort_keys=True))


def floe_rows(table, *arguments, cwd=None):
    return ordered(json.loads(line) for line in floe("table", "scan", table, "--json", *arguments, cwd=cwd).splitlines())


def spark_rows(frame):
    """Decimals as text, as floe prints them."""
    return ordered(json.loads(line) for line in frame.toJSON().collect())
