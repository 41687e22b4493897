"""PyIceberg's files in a test's object store, without its network: what it says of a table there is counted by code that is not
floe's."""
import io

from pyiceberg.io import FileIO, InputFile, OutputFile
from pyiceberg.table import StaticTable

stores = {}  # bucket → ObjectStore


def split(location):
    scheme, _, rest = location.partition("://")
    assert scheme in ("s3", "s3a"), location
    bucket, _, key = rest.partition("/")
    return stores[bucket], key


class Input(InputFile):
    def __len__(self):
        store, key = split(self.location)
        return len(store.objects[key])

    def exists(self):
        store, key = split(self.location)
        return key in store.objects

    def open(self, seekable=True):
        store, key = split(self.location)
        if key not in store.objects:
            raise FileNotFoundError(self.location)
        return io.BytesIO(store.objects[key])


class Written(io.BytesIO):
    def __init__(self, location):
        super().__init__()
        self.place = split(location)

    def close(self):
        store, key = self.place
        if not self.closed:
            with store.lock:
                store.objects[key] = self.getvalue()
        super().close()


class Output(OutputFile):
    def __len__(self):
        return len(self.to_input_file())

    def exists(self):
        return self.to_input_file().exists()

    def to_input_file(self):
        return Input(self.location)

    def create(self, overwrite=False):
        if not overwrite and self.exists():
            raise FileExistsError(self.location)
        return Written(self.location)


class StoreIO(FileIO):
    def new_input(self, location):
        return Input(location)

    def new_output(self, location):
        return Output(location)

    def delete(self, location):
        store, key = split(location if isinstance(location, str) else location.location)
        store.objects.pop(key, None)


def newest(store, table_key):
    """The metadata file that a directory catalog takes for the newest."""
    names = [key for key in store.objects if key.startswith(f"{table_key}/metadata/v") and key.endswith(".metadata.json")]
    return max(names, key=lambda key: int(key.rsplit("/v", 1)[1].split(".")[0]))


def named(store, metadata_key):
    """Every key that the table's state names, itself too."""
    table = StaticTable.from_metadata(f"s3://{store.bucket}/{metadata_key}", {"py-io-impl": "store_io.StoreIO"})
    paths = {entry.metadata_file for entry in table.metadata.metadata_log}
    for snapshot in table.snapshots():
        paths.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            paths.add(manifest.manifest_path)
            paths |= {e.data_file.file_path for e in manifest.fetch_manifest_entry(table.io, discard_deleted=True)}
    return {metadata_key} | {path.partition("://")[2].partition("/")[2] for path in paths}
