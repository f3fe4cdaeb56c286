import numpy as np
import pytest

import planted
from cisgram.core.errors import InputError
from cisgram.data import Dataset, Taken, genomic_negatives
from cisgram.io import Genome, read_bed
from cisgram.seq.alphabet import from_codes

SIZES = {"chrA": 30_000, "chrB": 20_000}
LENGTH = 100


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    """Two contigs whose GC content rises from 20 to 80 % along them; a stretch of N on chrA."""
    random = np.random.default_rng(1)
    text = ""
    for name, size in SIZES.items():
        gc = random.random(size) < np.linspace(0.2, 0.8, size)
        strong = random.random(size) < 0.5
        codes = np.where(gc, np.where(strong, 1, 2), np.where(strong, 0, 3)).astype(np.uint8)
        if name == "chrA":
            codes[10_000:11_000] = 4
        text += f">{name}\n{from_codes(codes[None])[0]}\n"
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(text)
    return Genome(path)


@pytest.fixture(scope="module")
def peaks(genome, tmp_path_factory):
    random = np.random.default_rng(2)
    rows = []
    for name, size in SIZES.items():
        free = [s for s in range(0, size - 200, 200) if name == "chrB" or not 9_900 < s < 11_000]
        for start in np.sort(random.choice(free, 30, replace=False)):
            rows.append(f"{name}\t{start}\t{start + LENGTH}\tp{len(rows)}\n")
    path = tmp_path_factory.mktemp("peaks") / "p.bed"
    path.write_text("".join(rows))
    return read_bed(path)


@pytest.fixture(scope="module")
def positives(genome, peaks):
    codes = genome.windows(peaks.contig, peaks.start, LENGTH)
    n = len(codes)
    return Dataset(list(peaks.name), codes, np.ones((n, 1), np.float32), groups=peaks.contig)


def places(data):
    found = []
    for name in data.names:
        contig, _, span = name.partition(":")
        start, _, end = span.partition("-")
        found.append((contig, int(start), int(end)))
    return found


def gc(codes):
    return ((codes == 1) | (codes == 2)).sum(1)


def test_negatives_are_what_their_names_say_and_hold_no_n(genome, peaks, positives):
    negatives, missed = genomic_negatives(positives, taken=Taken(genome, [peaks]))
    assert len(negatives) + missed == len(positives)
    for (contig, start, end), codes in zip(places(negatives), negatives.codes, strict=True):
        assert (genome.codes(contig, start, end) == codes).all()
        assert end - start == LENGTH
    assert (np.asarray(negatives.codes) < 4).all()
    assert (negatives.y == 0).all()


def test_negatives_overlap_no_peak_and_no_other_negative(genome, peaks, positives):
    negatives, _ = genomic_negatives(positives, taken=Taken(genome, [peaks]), per_positive=2)
    taken = {name: np.zeros(size, int) for name, size in SIZES.items()}
    for contig, start, end in zip(peaks.contig, peaks.start, peaks.end, strict=True):
        taken[contig][start:end] += 1
    for contig, start, end in places(negatives):
        taken[contig][start:end] += 1
    assert max(t.max() for t in taken.values()) == 1


def test_each_contig_gets_as_many_negatives_as_positives(genome, peaks, positives):
    negatives, missed = genomic_negatives(positives, taken=Taken(genome, [peaks]), per_positive=1)
    assert missed == 0
    for contig in SIZES:
        assert negatives.groups.count(contig) == positives.groups.count(contig)


def test_the_gc_of_the_negatives_follows_that_of_the_positives(genome, peaks, positives):
    negatives, _ = genomic_negatives(positives, taken=Taken(genome, [peaks]))
    for contig in SIZES:
        wanted = np.sort(gc(positives.codes[np.array(positives.groups) == contig]))
        found = np.sort(gc(negatives.codes[np.array(negatives.groups) == contig]))
        assert np.abs(found - wanted).max() <= 2  # 2 % of 100 bp
    assert gc(positives.codes).std() > 10


def test_the_seed_decides_which_windows_are_taken(genome, peaks, positives):
    first, _ = genomic_negatives(positives, taken=Taken(genome, [peaks]), seed=0)
    again, _ = genomic_negatives(positives, taken=Taken(genome, [peaks]), seed=0)
    other, _ = genomic_negatives(positives, taken=Taken(genome, [peaks]), seed=1)
    assert first.names == again.names
    assert first.names != other.names


def test_what_cannot_be_found_is_counted(genome, tmp_path):
    path = tmp_path / "p.bed"
    path.write_text("".join(f"chrB\t{s}\t{s + LENGTH}\tp{s}\n" for s in range(0, 20_000, 400)))
    peaks = read_bed(path)
    codes = genome.windows(peaks.contig, peaks.start, LENGTH)
    positives = Dataset(
        list(peaks.name), codes, np.ones((len(codes), 1), np.float32), groups=peaks.contig
    )
    negatives, missed = genomic_negatives(positives, taken=Taken(genome, [peaks]), per_positive=3)
    assert missed > 0
    assert len(negatives) + missed == 3 * 50


def test_positives_without_contigs_are_refused(genome, peaks):
    with pytest.raises(InputError, match="need positives with contigs: give them as BED"):
        genomic_negatives(planted.dataset(4, LENGTH), taken=Taken(genome, [peaks]))


def test_a_genome_under_peaks_has_no_free_window(genome, tmp_path, positives):
    path = tmp_path / "all.bed"
    path.write_text("".join(f"{name}\t0\t{size}\n" for name, size in SIZES.items()))
    with pytest.raises(InputError, match=r"no window of 100 bp is free of peaks on chr"):
        genomic_negatives(positives, taken=Taken(genome, [read_bed(path)]))


def test_windows_that_were_taken_for_one_set_are_not_taken_for_another(genome, peaks, positives):
    taken = Taken(genome, [peaks])
    sets = [genomic_negatives(positives, taken=taken, seed=seed)[0] for seed in range(3)]
    covered = {name: np.zeros(size, int) for name, size in SIZES.items()}
    for negatives in sets:
        for contig, start, end in places(negatives):
            covered[contig][start:end] += 1
    assert min(len(negatives) for negatives in sets) > 0
    assert max(c.max() for c in covered.values()) == 1
