import gzip
import os
import pickle
import random

import numpy as np
import pytest

from cisgram import io
from cisgram.core.errors import InputError
from cisgram.io import genome as module
from cisgram.seq import from_codes


def write(path, contigs, *, width=60):
    lines = []
    for name, text in contigs.items():
        lines += [f">{name}", *(text[i : i + width] for i in range(0, len(text), width))]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def contigs():
    draw = random.Random(0)
    return {f"chr{i}": "".join(draw.choices("ACGTNacgt", k=n)) for i, n in ((1, 997), (2, 61))}


@pytest.fixture(params=["memory", "mapped"])
def opened(request, contigs, tmp_path):
    path = tmp_path / "genome.fa"
    write(path, contigs)
    return io.Genome(path, cache=tmp_path / "cache" if request.param == "mapped" else None)


def test_every_interval_reads_as_the_string_slice_does(opened, contigs):
    assert dict(opened.contigs) == {name: len(text) for name, text in contigs.items()}
    draw = random.Random(1)
    for _ in range(300):
        name = draw.choice(list(contigs))
        start, end = sorted(draw.choices(range(len(contigs[name]) + 1), k=2))
        assert opened.fetch(name, start, end) == contigs[name][start:end].upper()


def test_windows_are_the_same_letters_at_once(opened, contigs):
    draw = random.Random(2)
    names = draw.choices(list(contigs), k=50)
    starts = [draw.randrange(len(contigs[name]) - 20 + 1) for name in names]
    found = from_codes(opened.windows(names, starts, 20))
    assert found == [contigs[n][s : s + 20].upper() for n, s in zip(names, starts, strict=True)]
    assert opened.windows([], [], 20).shape == (0, 20)


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 4), (0, 62), (62, 62), (60, 70)])
def test_what_lies_past_an_end_is_refused_not_shortened(opened, start, end):
    with pytest.raises(InputError, match=r"chr2 of .*genome\.fa, which has 61 bp"):
        opened.fetch("chr2", start, end)
    if end > start:
        with pytest.raises(InputError, match="61 bp"):
            opened.windows(["chr1", "chr2"], [0, start], max(1, end - start))


def test_an_unknown_contig_is_refused_with_the_name_it_has_here(opened):
    with pytest.raises(InputError, match="it has 'chr2'"):
        opened.fetch("2", 0, 5)
    with pytest.raises(InputError, match="Did you mean 'chr1'"):
        opened.windows(["chr11"], [0], 5)


def test_codes_cannot_be_written_to(opened):
    with pytest.raises(ValueError, match="read-only"):
        opened.codes("chr1", 0, 5)[0] = 0


def test_a_worker_opens_the_genome_itself(opened, contigs):
    sent = pickle.dumps(opened)
    assert len(sent) < 500
    assert pickle.loads(sent).fetch("chr1", 3, 40) == contigs["chr1"][3:40].upper()


def test_uneven_lines_blank_lines_and_gzip_are_read_right(contigs, tmp_path):
    path = tmp_path / "genome.fa.gz"
    uneven = b">a\nAC\nACGTACGT\n\nA\r\nCC\n>b\nG"
    path.write_bytes(gzip.compress(uneven))
    for cache in (None, tmp_path / "cache"):
        found = io.Genome(path, cache=cache)
        assert found.fetch("a", 0, 13) == "ACACGTACGTACC"
        assert found.fetch("b", 0, 1) == "G"
        assert dict(found.counts) == {"blank_lines": 1, "crlf": 1}


def test_a_stale_index_beside_the_file_is_not_believed(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text(">a\nACGTACGT\n")
    (tmp_path / "genome.fa.fai").write_text("a\t80\t3\t4\t5\nb\t7\t90\t60\t61\n")
    assert dict(io.Genome(path).contigs) == {"a": 8}


def test_codes_in_the_cache_are_made_anew_when_the_file_changes(tmp_path):
    path, cache = tmp_path / "genome.fa", tmp_path / "cache"
    path.write_text(">a\nACGTACGT\n")
    before = path.stat()
    assert io.Genome(path, cache=cache).fetch("a", 0, 8) == "ACGTACGT"
    path.write_text(">a\nTTTTACGT\n")  # same size; times set back as some tools do
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert io.Genome(path, cache=cache).fetch("a", 0, 8) == "TTTTACGT"
    assert len(list(cache.iterdir())) == 1


def test_codes_in_the_cache_are_used_while_the_file_stays(tmp_path, monkeypatch):
    path, cache = tmp_path / "genome.fa", tmp_path / "cache"
    path.write_text(">a\nACGTACGT\n")
    io.Genome(path, cache=cache)
    monkeypatch.setattr(module, "_convert", None)  # a second conversion would fail
    assert io.Genome(path, cache=cache).fetch("a", 2, 8) == "GTACGT"


@pytest.mark.parametrize("damage", ["cut", "emptied", "garbage", "longer"])
def test_damaged_codes_in_the_cache_are_made_anew(tmp_path, damage):
    path, cache = tmp_path / "genome.fa", tmp_path / "cache"
    path.write_text(">a\n" + "ACGTACGT" * 40 + "\n")
    io.Genome(path, cache=cache)
    (made,) = cache.iterdir()
    whole = made.read_bytes()
    made.write_bytes(
        {"cut": whole[:-30], "emptied": b"", "garbage": b"x" * 500, "longer": whole + b"x"}[damage]
    )
    assert io.Genome(path, cache=cache).fetch("a", 0, 320) == "ACGTACGT" * 40
    assert made.read_bytes() == whole


def test_a_refused_genome_leaves_nothing_in_the_cache(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text(">a\nACGT\n>a\nACGT\n")
    with pytest.raises(InputError, match="already in line 1"):
        io.Genome(path, cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_cannot_be_a_folder_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text(">a\nACGT\n")
    with pytest.raises(InputError, match="Set CISGRAM_CACHE"):
        io.Genome(path, cache=path / "cache")


def test_a_large_genome_goes_to_the_folder_of_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "genome.fa"
    path.write_text(">a\nACGT\n")
    monkeypatch.setattr(module, "IN_MEMORY", 4)
    monkeypatch.setenv("CISGRAM_CACHE", str(tmp_path / "here"))
    assert io.Genome(path).fetch("a", 1, 3) == "CG"
    assert len(list((tmp_path / "here").iterdir())) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["genome.fa", "here"]


@pytest.mark.parity
def test_letters_agree_with_pyfaidx_and_htslib_on_a_clean_file(contigs, tmp_path):
    pyfaidx, pysam = pytest.importorskip("pyfaidx"), pytest.importorskip("pysam")
    path = tmp_path / "genome.fa"
    write(path, contigs)
    ours = io.Genome(path, cache=tmp_path / "cache")
    draw = random.Random(3)
    with pysam.FastaFile(str(path)) as hts, pyfaidx.Fasta(str(path)) as faidx:
        assert dict(zip(hts.references, hts.lengths, strict=True)) == dict(ours.contigs)
        for _ in range(200):
            name = draw.choice(list(contigs))
            start, end = sorted(draw.sample(range(len(contigs[name]) + 1), 2))
            found = ours.fetch(name, start, end)
            assert found == hts.fetch(name, start, end).upper()
            assert found == str(faidx[name][start:end]).upper()


@pytest.mark.data
@pytest.mark.parity
def test_yeast_and_human_agree_with_htslib(data_dir, tmp_path):
    pysam = pytest.importorskip("pysam")
    human = data_dir / "genome-hg38-pieces" / "hg38_1m.fa.gz"
    yeast = tmp_path / "sacCer3.fa"
    with gzip.open(data_dir / "genome-yeast" / "sacCer3.fa.gz") as packed:
        yeast.write_bytes(packed.read())
    rng = np.random.default_rng(0)
    for path in (human, yeast):
        ours = io.Genome(path, cache=tmp_path / "cache")
        with pysam.FastaFile(str(path)) as hts:
            assert dict(zip(hts.references, hts.lengths, strict=True)) == dict(ours.contigs)
            names = rng.choice(hts.references, 300).tolist()
            starts = [int(rng.integers(ours.contigs[name] - 500)) for name in names]
            found = from_codes(ours.windows(names, starts, 500))
            for name, start, letters in zip(names, starts, found, strict=True):
                assert letters == hts.fetch(name, start, start + 500).upper()
