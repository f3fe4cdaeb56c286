import gzip
import itertools

import numpy as np
import pytest

import planted
from cisgram.core.errors import InputError
from cisgram.data import DataOptions, prepare, read_dataset
from cisgram.seq.alphabet import from_codes


def made(path, **options):
    return prepare(DataOptions(positives=str(path), **options))


def names_of(table, which):
    return set(table.loc[table["set"] == which, "name"])


@pytest.fixture
def tsv(tmp_path):
    return planted.write_tsv(tmp_path / "a.tsv", 100)


def write_deepbind(path, sequences, bound, first=1):
    rows = [
        f"A\tseq_{first + i:05d}_{'peak' if b else 'shuf'}\t{s}\t{b}\n"
        for i, (s, b) in enumerate(zip(sequences, bound, strict=True))
    ]
    path.write_bytes(gzip.compress(("FoldID\tEventID\tseq\tBound\n" + "".join(rows)).encode()))
    return path


def test_a_deepbind_pair_gets_fresh_shuffles_and_keeps_its_test_file(tmp_path):
    positives = planted.letters(60, seed=1)
    train = write_deepbind(tmp_path / "X_AC.seq.gz", positives, [1] * 60)
    test = write_deepbind(tmp_path / "X_B.seq.gz", planted.letters(20, seed=2), [1, 0] * 10, 100)
    found = made(train, test=str(test))
    assert found.train.fresh_negatives == 2
    assert len(found.train.data) == 54  # 6 of 60 choose the model
    assert (found.valid.y.mean(), len(found.valid)) == (0.5, 12)
    assert (found.test.y.sum(), len(found.test)) == (10, 20)
    assert from_codes(found.test.codes) == planted.letters(20, seed=2)
    assert found.summary["negatives"].startswith("k-let shuffles")


def test_shuffled_negatives_of_held_out_sets_do_not_change_with_the_epoch(tmp_path):
    path = planted.write_fasta(tmp_path / "a.fa", planted.letters(60))
    first, again = made(path), made(path)
    for one, other in ((first.valid, again.valid), (first.test, again.test)):
        assert one.names == other.names
        assert (one.codes == other.codes).all()


def test_two_fasta_files_are_positives_and_negatives(tmp_path):
    p = planted.write_fasta(tmp_path / "p.fa", planted.letters(40, seed=1), prefix="p")
    n = planted.write_fasta(tmp_path / "n.fa", planted.letters(60, seed=2), prefix="n")
    found = made(p, negatives=str(n))
    assert found.train.fresh_negatives == 0
    parts = (found.train.data, found.valid, found.test)
    assert sum(len(part) for part in parts) == 100
    for part in parts:
        assert [name[0] == "p" for name in part.names] == (part.y[:, 0] == 1).tolist()


def test_headers_that_are_bare_zeros_and_ones_are_labels(tmp_path):
    path = tmp_path / "train.fa"
    rows = [f">{i % 2}\n{s}\n" for i, s in enumerate(planted.letters(60))]
    path.write_text("".join(rows))
    found = made(path)
    assert found.train.fresh_negatives == 0
    assert found.train.data.outputs == ("bound",)
    assert found.summary["negatives"] == "given with the positives"
    assert found.summary["handled"]["header_labels"] == 60
    for part in (found.train.data, found.valid, found.test):  # sequence_1 is the row 0
        assert part.y[:, 0].tolist() == [(int(n.split("_")[1]) - 1) % 2 for n in part.names]
    path.write_text("".join(rows).replace(">0\n", ">s\n", 1))
    assert made(path).train.fresh_negatives == 2


def test_a_table_with_both_labels_needs_no_negatives(tsv):
    found = made(tsv)
    assert (found.task, found.train.fresh_negatives) == ("classification", 0)
    assert found.train.data.outputs == ("bound",)
    assert found.summary["negatives"] == "given with the positives"
    assert {n: s["sequences"] for n, s in found.summary["sets"].items()} == {
        "train": 80,
        "valid": 10,
        "test": 10,
    }
    with pytest.raises(InputError, match="holds labels of both kinds; give no negatives"):
        made(tsv, negatives="shuffle")


def test_every_sequence_is_in_one_set_or_dropped_with_a_reason(tmp_path):
    sequences = planted.letters(100)
    sequences[60] = sequences[59]  # an even and an odd row: one sequence with two labels
    path = tmp_path / "a.tsv"
    rows = [f"s{i}\t{s}\t{i % 2}\n" for i, s in enumerate(sequences)]
    path.write_text("name\tsequence\tbound\n" + "".join(rows))
    found = made(path, split=None)
    used, dropped = found.split["name"].tolist(), found.dropped["name"].tolist()
    assert sorted(used + dropped) == sorted(f"s{i}" for i in range(100))
    assert set(dropped) == names_of(found.split, "none") | (set(dropped) & {"s59", "s60"})
    assert (found.dropped["reason"] == "leak: see leaks.tsv").all()
    assert found.leaks[["first", "second"]].isin(["s59", "s60"]).all(axis=None)


@pytest.fixture
def leaky(tmp_path):
    """100 rows; s0 (train) is s98 (test), and s1 (train) turned round is s99 (valid)."""
    codes = planted.codes(100)
    complement = np.array([3, 2, 1, 0], np.uint8)
    codes[98], codes[99] = codes[0], complement[codes[1][::-1]]
    sets = ["train"] * 80 + ["valid", "test"] * 10
    sets[98], sets[99] = "test", "valid"
    table = tmp_path / "a.tsv"
    rows = [f"s{i}\t{s}\t{i % 2}\n" for i, s in enumerate(from_codes(codes))]
    table.write_text("name\tsequence\tbound\n" + "".join(rows))
    split = tmp_path / "split.tsv"
    split.write_text("name\tset\n" + "".join(f"s{i}\t{s}\n" for i, s in enumerate(sets)))
    return table, split


def test_leaks_are_dropped_from_training_alone(leaky):
    found = made(leaky[0], split=str(leaky[1]))
    assert found.dropped["name"].tolist() == ["s0", "s1"]
    assert names_of(found.split, "train") == {f"s{i}" for i in range(2, 80)}
    assert {"s98", "s99"} <= set(found.split["name"])
    assert found.leaks["action"].tolist() == ["dropped from train"] * 2
    assert sorted(found.leaks["kind"]) == ["reverse complement", "same"]


def test_the_summary_says_what_the_leak_guard_found_and_could_not_see(leaky, tmp_path):
    found = made(leaky[0], split=str(leaky[1]))
    assert found.summary["leak_guard"] == {"pairs": 2, "sequences_of_repeats": 0}
    letters = [planted.letters(1)[0]] * 60 + planted.letters(60, seed=3)
    repeats = planted.write_fasta(tmp_path / "r.fa", letters)
    assert made(repeats).summary["leak_guard"]["sequences_of_repeats"] == 60


def test_leaks_are_only_reported_when_asked(leaky):
    found = made(leaky[0], split=str(leaky[1]), leaks="report")
    assert len(found.train) == 80
    assert found.leaks["action"].tolist() == ["reported"] * 2
    assert len(found.dropped) == 0


def test_leaks_are_refused_when_asked(leaky):
    with pytest.raises(InputError, match=r"2 pairs .* 's0' and 's98' \(same\); data\.leaks=drop"):
        made(leaky[0], split=str(leaky[1]), leaks="refuse")


def test_a_given_split_is_followed(leaky):
    found = made(leaky[0], split=str(leaky[1]), leaks="report")
    assert names_of(found.split, "train") == {f"s{i}" for i in range(80)}


def test_a_split_with_a_test_set_beside_a_test_file_is_refused(leaky, tsv):
    with pytest.raises(InputError, match="a test file was given and the split has a test set"):
        made(leaky[0], split=str(leaky[1]), test=str(tsv))


def multi_label(path, cells, n=60):
    rows = [f"{s}\t{cells(i)}\n" for i, s in enumerate(planted.letters(n))]
    path.write_text("sequence\tU\tV\n" + "".join(rows))
    return path


def test_several_labels_keep_their_missing_cells(tmp_path):
    path = multi_label(tmp_path / "m.tsv", lambda i: f"{i % 2}\t{'NA' if i % 3 else (i // 2) % 2}")
    found = made(path, label_columns=("U", "V"))
    assert found.task == "classification"
    assert found.valid.outputs == ("U", "V")
    y = np.concatenate([d.y for d in (found.train.data, found.valid, found.test)])
    assert np.isnan(y).sum(0).tolist() == [0, 40]
    assert found.summary["handled"]["missing_labels"] == 40


def test_labels_that_are_not_only_0_and_1_are_a_regression(tmp_path):
    path = multi_label(tmp_path / "r.tsv", lambda i: f"{i / 7:.3f}\t0")
    found = made(path, label_columns=("U",))
    assert found.task == "regression"
    assert found.valid.outputs == ("u",)
    assert "positive" not in found.summary["sets"]["train"]
    with pytest.raises(InputError, match="give no negatives"):
        made(path, label_columns=("U",), negatives="shuffle")


def test_replicates_of_a_measurement_are_no_contradiction(tmp_path):
    """In a regression, near-identical training sequences with other values are the data."""
    long = planted.letters(1, 90, seed=3)[0]
    sequences = [long[i : i + 60] for i in range(20)] + planted.letters(80)
    path = tmp_path / "r.tsv"
    split = tmp_path / "split.tsv"
    path.write_text(
        "name\tsequence\ty\n" + "".join(f"s{i}\t{s}\t{i / 3}\n" for i, s in enumerate(sequences))
    )
    sets = ["train"] * 80 + ["valid", "test"] * 10
    split.write_text("name\tset\n" + "".join(f"s{i}\t{s}\n" for i, s in enumerate(sets)))
    found = made(path, split=str(split))
    assert len(found.train) == 80
    assert len(found.leaks) == 0


def test_ragged_sequences_are_cut_to_the_middle_or_padded_and_counted(tmp_path):
    middle = planted.letters(60, 20)
    ragged = list(middle)
    ragged[1] = "A" + middle[1] + "G"  # 22 bp: the middle 20
    ragged[2] = middle[2][:15]  # 15 bp: 2 before, 3 after
    path = planted.write_fasta(tmp_path / "a.fa", ragged)
    found = made(path, length=20)
    sequence = {
        name: text
        for part in (found.train.data, found.valid, found.test)
        for name, text in zip(part.names, from_codes(part.codes), strict=True)
    }
    assert sequence["s1"] == middle[1]
    assert sequence["s2"] == "NN" + middle[2][:15] + "NNN"
    assert found.summary["handled"]["trimmed_to_length"] == 1
    assert found.summary["handled"]["padded_with_n"] == 1


def test_without_a_length_the_longest_sequence_gives_it(tmp_path):
    path = planted.write_fasta(tmp_path / "a.fa", [*planted.letters(40, 30), "ACGT" * 10])
    found = made(path)
    assert found.valid.length == 40
    assert found.summary["handled"]["padded_with_n"] == 40


def test_max_positives_keeps_the_strongest_by_rank_wherever_they_stand(tmp_path):
    sequences = planted.letters(50)
    path = tmp_path / "X.seq"
    order = np.random.default_rng(0).permutation(50)
    rows = [f"A\tseq_{i + 1:05d}_peak\t{sequences[i]}\t1\n" for i in order]
    path.write_text("FoldID\tEventID\tseq\tBound\n" + "".join(rows))
    found = made(path, max_positives=30)
    assert set(found.dropped["name"]) == {f"seq_{i + 1:05d}_peak" for i in range(30, 50)}
    assert (found.dropped["reason"] == "not among the 30 strongest positives").all()
    kept = set(found.split["name"].str.removesuffix("_shuffled"))
    assert kept == {f"seq_{i + 1:05d}_peak" for i in range(30)}


def test_max_positives_of_a_file_without_strengths_keeps_its_first_and_says_so(tmp_path):
    path = planted.write_fasta(tmp_path / "a.fa", planted.letters(50))
    found = made(path, max_positives=30)
    assert found.dropped["name"].tolist() == [f"s{i}" for i in range(30, 50)]
    assert (found.dropped["reason"] == "beyond the first 30 positives").all()


def test_negatives_are_not_counted_by_max_positives(tsv):
    found = made(tsv, max_positives=20)
    y = np.concatenate([d.y for d in (found.train.data, found.valid, found.test)])
    assert ((y == 1).sum(), (y == 0).sum()) == (20, 50)


def test_max_positives_of_a_regression_is_refused(tmp_path):
    path = multi_label(tmp_path / "r.tsv", lambda i: f"{i / 7:.3f}\t0")
    with pytest.raises(InputError, match=r"max_positives=20 is for labels 0 and 1"):
        made(path, label_columns=("U",), max_positives=20)


@pytest.fixture
def genome(tmp_path):
    """Five contigs of 6 kb and 12 peaks of 80 bp on each, one of which leaves its contig."""
    contigs = {f"chr{c}": planted.letters(1, 6000, seed=i)[0] for i, c in enumerate("ABCDE")}
    path = tmp_path / "g.fa"
    path.write_text("".join(f">{n}\n{s}\n" for n, s in contigs.items()))
    rows = [
        f"{name}\t{400 * i + 100}\t{400 * i + 180}\t{name}.{i}\n"
        for name in contigs
        for i in range(12)
    ]
    rows.append("chrA\t5990\t6000\tend\n")
    bed = tmp_path / "p.bed"
    bed.write_text("".join(rows))
    return bed, path, contigs


def test_peaks_get_genomic_negatives_and_held_out_chromosomes(genome):
    bed, fasta, contigs = genome
    found = made(bed, genome=str(fasta), valid_chromosomes=("chrB",), test_chromosomes=("chrC",))
    assert found.valid.length == 80  # the median width of the peaks
    assert set(found.valid.groups) == {"chrB"}
    assert set(found.test.groups) == {"chrC"}
    assert set(found.train.data.groups) == {"chrA", "chrD", "chrE"}
    assert found.train.fresh_negatives == 0
    for part in (found.train.data, found.valid, found.test):
        assert part.y.mean() == 0.5
    at = dict(zip(found.valid.names, from_codes(found.valid.codes), strict=True))
    assert at["chrB.3"] == contigs["chrB"][1300:1380]
    assert found.dropped.to_numpy().tolist()[0][0] == "end"
    assert "leaves the contig" in found.dropped["reason"][0]


def spans(names):
    """Contig, start and end of windows by their names."""
    for name in names:
        contig, _, span = name.partition(":")
        yield contig, *map(int, span.split("-"))


def test_negatives_stay_out_of_the_whole_of_wide_peaks(genome, tmp_path):
    _, fasta, _ = genome
    wide = tmp_path / "wide.bed"  # 60 % of each contig; only 100 bp about each midpoint are read
    rows = [f"chr{c}\t{500 * i}\t{500 * i + 300}\tp{c}{i}\n" for c in "ABCDE" for i in range(12)]
    rows.append("chrA\t5980\t6000\tend\n")  # its window leaves the contig
    wide.write_text("".join(rows))
    found = made(wide, genome=str(fasta), length=100)
    parts = (found.train.data, found.valid, found.test)
    names = [n for part in parts for n, y in zip(part.names, part.y[:, 0], strict=True) if not y]
    assert len(names) > 30
    for contig, start, end in spans(names):
        assert all(end <= 500 * i or start >= 500 * i + 300 for i in range(12))
        assert contig != "chrA" or end <= 5980


def test_negatives_of_sets_that_share_a_contig_do_not_overlap(genome, tmp_path):
    bed, fasta, contigs = genome
    names = [f"{c}.{i}" for c in contigs for i in range(12)]
    sets = ["train", "train", "valid", "test"] * 15
    split = tmp_path / "split.tsv"
    rows = [f"{n}\t{s}\n" for n, s in zip(names, sets, strict=True)]
    split.write_text("name\tset\n" + "".join(rows))
    found = made(bed, genome=str(fasta), split=str(split), negatives_per_positive=3)
    covered = {c: np.zeros(6000, int) for c in contigs}
    for part in (found.train.data, found.valid, found.test):
        for name, y in zip(part.names, part.y[:, 0], strict=True):
            for contig, start, end in spans([name]) if not y else ():
                covered[contig][start:end] += 1
    assert max(c.max() for c in covered.values()) == 1


def test_peaks_take_shuffles_when_asked(genome):
    bed, fasta, _ = genome
    found = made(bed, genome=str(fasta), negatives="shuffle")
    assert found.train.fresh_negatives == 2
    assert len(set(found.train.data.groups) & set(found.valid.groups)) == 0


def test_points_need_no_length_and_get_the_usual_one(genome, tmp_path):
    _, fasta, _ = genome
    bed = tmp_path / "points.bed"
    rows = [f"chr{c}\t{400 * i + 500}\t{400 * i + 501}\n" for c in "ABCDE" for i in range(12)]
    bed.write_text("".join(rows))
    assert made(bed, genome=str(fasta)).valid.length == 200


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"negatives": "genome"}, "negatives=genome needs positives as BED or narrowPeak"),
        ({"valid_chromosomes": ("chr1",)}, "tells no chromosomes; hold out by fraction"),
        ({"negatives_per_positive": 3}, r"negatives_per_positive=3 is for genomic windows"),
        ({"negatives": "nowhere.fa"}, r"nowhere\.fa does not exist"),
    ],
)
def test_what_positives_of_fasta_cannot_have_is_refused(tmp_path, options, said):
    path = planted.write_fasta(tmp_path / "a.fa", planted.letters(40))
    with pytest.raises(InputError, match=said):
        made(path, **options)


def test_chromosomes_beside_a_split_file_are_refused(leaky):
    with pytest.raises(InputError, match=r"give data\.split or chromosomes, not both"):
        made(leaky[0], split=str(leaky[1]), valid_chromosomes=("chr1",))


@pytest.mark.parametrize("n", [3, 8])
def test_too_few_sequences_are_refused_with_the_number(tmp_path, n):
    path = planted.write_fasta(tmp_path / "a.fa", planted.letters(n))
    with pytest.raises(InputError, match=r"only \d sequences are left for the train set"):
        made(path)


def test_negatives_alone_are_refused(tmp_path):
    rows = [f"{s}\t0\n" for s in planted.letters(40)]
    path = tmp_path / "a.tsv"
    path.write_text("sequence\tbound\n" + "".join(rows))
    with pytest.raises(InputError, match="every training sequence has the same label"):
        made(path)


def test_a_test_file_of_positives_gets_the_shuffles_that_the_validation_set_gets(tmp_path):
    path = planted.write_fasta(tmp_path / "a.fa", planted.letters(60, seed=1))
    test = planted.write_fasta(tmp_path / "t.fa", planted.letters(20, seed=2), prefix="t")
    found = made(path, test=str(test))
    assert found.test.y[:, 0].tolist() == [1] * 20 + [0] * 20
    assert found.test.names[20:] == [f"t{i}_shuffled" for i in range(20)]
    assert from_codes(found.test.codes)[:20] == planted.letters(20, seed=2)
    assert (found.test.codes == made(path, test=str(test)).test.codes).all()


def test_a_test_file_of_peaks_gets_windows_of_the_genome(genome, tmp_path):
    bed, fasta, _ = genome
    test = tmp_path / "t.bed"
    rows = [
        f"chr{c}\t{400 * i + 4900}\t{400 * i + 4980}\tt{c}{i}\n" for c in "DE" for i in range(3)
    ]
    test.write_text("".join(rows))
    train = tmp_path / "train.bed"
    train.write_text("".join(r for r in bed.read_text().splitlines(True) if r[3] in "ABC"))
    found = made(train, genome=str(fasta), test=str(test))
    assert found.test.y[:, 0].tolist() == [1] * 6 + [0] * 6
    assert sorted(found.test.groups) == ["chrD"] * 6 + ["chrE"] * 6
    letters = planted.write_fasta(tmp_path / "t.fa", planted.letters(20))
    with pytest.raises(InputError, match=r"t\.fa tells no intervals .* negatives=shuffle"):
        made(train, genome=str(fasta), test=str(letters))


def test_a_test_file_without_labels_is_refused_where_the_negatives_are_given(tmp_path, tsv):
    path = planted.write_fasta(tmp_path / "a.fa", planted.letters(40))
    with pytest.raises(InputError, match=r"a\.fa holds no labels; .* of both kinds"):
        made(tsv, test=str(path))
    with pytest.raises(InputError, match=r"a\.fa holds no labels; .* of both kinds"):
        made(
            path,
            negatives=str(planted.write_fasta(tmp_path / "n.fa", planted.letters(40))),
            test=str(path),
        )


def test_a_test_file_with_other_labels_is_refused(tmp_path, tsv):
    path = multi_label(tmp_path / "m.tsv", lambda i: f"{i % 2}\t1")
    with pytest.raises(InputError, match=r"a\.tsv, line 1: No column named 'U'"):
        made(path, label_columns=("U", "V"), test=str(tsv))
    deepbind = write_deepbind(tmp_path / "b.seq.gz", planted.letters(10), [1, 0] * 5)
    with pytest.raises(InputError, match=r"labels \('bound',\), .* must be the same"):
        made(path, label_columns=("U", "V"), test=str(deepbind))


def test_a_file_is_read_at_the_length_of_a_model_with_missing_labels(tmp_path):
    path = planted.write_fasta(tmp_path / "a.fa", planted.letters(5, 40))
    given = read_dataset(str(path), 30)
    found = given.data
    assert (given.dropped, given.counts) == ((), {"trimmed_to_length": 5})
    assert found.codes.shape == (5, 30)
    assert np.isnan(found.y).all()
    assert from_codes(found.codes)[2] == planted.letters(5, 40)[2][5:35]


def one_contig(tmp_path, starts, n_contigs=1):
    """Windows of 60 bp at the given places, as FASTA with coordinates."""
    letters = planted.letters(len(starts))
    path = tmp_path / "one.fa"
    rows = [
        f">c{i % n_contigs}:{a}-{a + 60}\n{s}\n"
        for i, (a, s) in enumerate(zip(starts, letters, strict=True))
    ]
    path.write_text("".join(rows))
    return path


@pytest.mark.parametrize("n_contigs", [1, 2])
def test_one_or_two_contigs_are_held_out_by_blocks(tmp_path, n_contigs):
    starts = np.random.default_rng(0).permutation(200) * 100
    found = made(one_contig(tmp_path, starts.tolist(), n_contigs), negatives="shuffle")
    assert found.summary["split"] == found.summary["valid_split"] == "by blocks"
    rows = [
        (n, int(n.split(":")[1].split("-")[0]), s)
        for n, s in found.split.to_numpy().tolist()
        if "shuffled" not in n
    ]
    sets = [s for _, _, s in sorted(rows, key=lambda r: (r[0].split(":")[0], r[1]))]
    assert {s: sets.count(s) for s in ("train", "valid", "test")} == {
        "train": 160,
        "valid": 20,
        "test": 20,
    }
    changes = sum(a != b for a, b in itertools.pairwise(sets))
    assert changes <= 8  # two blocks each


def test_neighbors_that_overlap_do_not_stand_on_two_sides_of_a_block(tmp_path):
    found = made(one_contig(tmp_path, list(range(0, 4000, 20))), leaks="report")
    at = {"train": [], "valid": [], "test": []}
    for name, which in found.split.to_numpy().tolist():
        if "shuffled" not in name:
            at[which].append(int(name.split(":")[1].split("-")[0]))
    for one, other in (("train", "valid"), ("train", "test"), ("valid", "test")):
        assert np.abs(np.subtract.outer(at[one], at[other])).min() >= 60
    assert len(found.dropped) > 0
    assert (found.dropped["reason"] == "overlaps a held-out block").all()
    assert sum(map(len, at.values())) + len(found.dropped) == 200


def test_a_contig_without_positions_is_held_out_by_fraction(tmp_path):
    path = tmp_path / "a.tsv"
    rows = [f"chr\ts{i}\t{s}\t{i % 2}\n" for i, s in enumerate(planted.letters(60))]
    path.write_text("chrom\tname\tsequence\tbound\n" + "".join(rows))
    found = made(path)
    assert found.summary["split"] == "by fraction"
    assert len(found.test) == 6


def test_a_genome_of_one_contig_is_held_out_by_blocks(genome, tmp_path):
    bed, fasta, _ = genome
    one = tmp_path / "one.bed"
    one.write_text("".join(r for r in bed.read_text().splitlines(True) if r.startswith("chrB")))
    found = made(one, genome=str(fasta), max_positives=None)
    assert found.summary["split"] == "by blocks"
    assert len(found.test) > 0


def test_the_summary_says_how_the_sets_were_held_out(tmp_path, leaky, genome, tsv):
    def how(*args, **options):
        summary = made(*args, **options).summary
        return summary["split"], summary["valid_split"]

    bed, fasta, _ = genome
    assert how(bed, genome=str(fasta)) == ("by chromosome", "by chromosome")
    assert how(leaky[0], split=str(leaky[1])) == ("given", "given")
    assert how(tsv) == ("by fraction", "by fraction")
    assert how(leaky[0], test=str(tsv), leaks="report") == ("test file", "by fraction")


def test_a_small_test_fraction_holds_out_one_sequence_and_not_none(tmp_path, tsv):
    assert len(made(tsv, test_fraction=0.001).test) == 1
    with pytest.raises(InputError, match="no chromosome is left for the test set"):
        made(one_contig(tmp_path, list(range(0, 6000, 100)), 2), valid_chromosomes=("c0",))


def test_the_seed_decides_the_split(tsv):
    options = DataOptions(positives=str(tsv))
    first, again, other = (prepare(options, seed=s) for s in (0, 0, 1))
    assert first.split.equals(again.split)
    assert not first.split.equals(other.split)


def test_negatives_that_stay_the_same_are_told_as_such(tmp_path):
    path = planted.write_fasta(tmp_path / "a.fa", planted.letters(60))
    fixed = prepare(DataOptions(positives=str(path), fresh_negatives=False))
    assert fixed.train.fixed_negatives
    assert "the same ones every epoch" in fixed.summary["negatives"]
    assert "new ones every epoch" in prepare(DataOptions(positives=str(path))).summary["negatives"]


def test_a_table_whose_labels_nobody_named_is_refused(tmp_path):
    path = tmp_path / "a.tsv"
    random = np.random.default_rng(0)
    rows = ["name\tsequence\tactivity\tstart"]
    rows += [
        f"r{i}\t{''.join(random.choice(list('ACGT'), 30))}\t{'' if i == 3 else i / 7}\t{i}"
        for i in range(40)
    ]
    path.write_text("\n".join(rows) + "\n")
    with pytest.raises(InputError, match="--label-columns activity") as error:
        prepare(DataOptions(positives=str(path)))
    assert "start" not in str(error.value)
    measured = prepare(DataOptions(positives=str(path), label_columns=("activity",)))
    assert measured.task == "regression"
    unlabeled = prepare(DataOptions(positives=str(path), label_columns=("none",)))
    assert unlabeled.summary["negatives"].startswith("k-let shuffles")


def test_crumbs_beside_one_chromosome_are_not_what_is_held_out(tmp_path):
    random = np.random.default_rng(1)
    path = tmp_path / "a.tsv"
    rows = ["chrom\tsequence\tlabel"]
    rows += [
        f"{'chrX' if i < 190 else f'chrU{i}'}\t{''.join(random.choice(list('ACGT'), 40))}\t{i % 2}"
        for i in range(200)
    ]
    path.write_text("\n".join(rows) + "\n")
    found = prepare(DataOptions(positives=str(path)))
    assert found.summary["split"] == "by fraction"
    assert found.test is not None
    assert min(len(found.valid), len(found.test)) == 20


def test_neighboring_windows_of_a_multi_task_set_are_no_leak(tmp_path):
    random = np.random.default_rng(2)
    path = tmp_path / "a.tsv"
    rows = ["sequence\ta\tb"]
    for i in range(60):
        letters = "".join(random.choice(list("ACGT"), 110))
        rows += [f"{letters[:100]}\t{i % 2}\t0", f"{letters[10:]}\t{i % 2}\t1"]
    path.write_text("\n".join(rows) + "\n")
    found = prepare(DataOptions(positives=str(path), label_columns=("a", "b")))
    across = found.leaks[found.leaks["first_set"] == found.leaks["second_set"]]
    assert len(across) == 0
    assert len(found.leaks) > 0  # neighbors in two sets still are one
