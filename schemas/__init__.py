"""The contract: canonical schemas, records generated from them, topic names; imports nothing."""
