"""One package per source system; pure functions, rows to records."""
