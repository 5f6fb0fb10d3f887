"""The `syncline` command and the local stack."""
