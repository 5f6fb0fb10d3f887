"""The contract: canonical schemas, the records generated from them, topic names. Imports nothing of ours."""
