import subprocess
import sys

from cisgram import io


def test_the_room_starts_without_torch_pandas_or_htslib():
    code = "import sys, cisgram.io; print({'torch', 'pandas', 'pysam', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_exported_name_is_there_and_explained():
    for name in io.__all__:
        assert (getattr(io, name).__doc__ or "").strip()
