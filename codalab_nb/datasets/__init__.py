"""What is in the files of a data set: bytes → tables → profile. Original files are never touched."""
