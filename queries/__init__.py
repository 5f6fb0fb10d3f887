"""Read-only HTTP over the log: stock, trace, health. Not built yet; see docs."""
