"""Files of the field: FASTA, genomes, BED and narrowPeak, DeepBind and other tables."""
