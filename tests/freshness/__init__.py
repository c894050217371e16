"""How soon a change reaches readers: measured through one instance, at a constant rate of reads, on a private stack."""
