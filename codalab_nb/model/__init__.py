"""Plain frozen data and its rules. No I/O here, and no import from the rest of the project but `errors`."""
