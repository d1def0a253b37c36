"""The one error that is the user's to mend: the command line prints its sentence and ends with status 2."""


class InputError(ValueError):
    """What is wrong, where (column, count, example rows) and what to do, in one sentence."""
