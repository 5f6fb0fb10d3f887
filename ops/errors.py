"""The one error of the command line: a sentence with the next step, shown without a traceback."""


class OpsError(Exception):
    """Something that a person must mend; its text is shown as it is, and the exit code is 1."""
