"""How the frames of this folder were made: structures by name, labels, assembly, split."""
