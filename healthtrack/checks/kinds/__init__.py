"""One file per kind of check, each with one ``CHECK``. Adding one touches nothing else."""
