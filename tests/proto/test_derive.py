"""The golden bytes in the tree are those that golden/derive.py derives from proto/FORMATS.md."""
import os
import subprocess
import sys
import tempfile

golden = os.path.join(os.environ.get("FLOE_ROOT", "."), "tests", "proto", "golden")
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.executable, os.path.join(golden, "derive.py"), folder], check=True)
    names = sorted(os.listdir(folder))
    assert names == ["key-1.hex", "row-1.hex", "state-1.hex", "state-2.hex"], names
    for name in names:
        with open(os.path.join(folder, name), "rb") as derived, open(os.path.join(golden, name), "rb") as kept:
            assert derived.read() == kept.read(), f"{name} differs from what derive.py gives"
print("golden bytes agree")
