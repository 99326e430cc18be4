"""The one exception that is meant for the person at the keyboard."""


class UserError(Exception):
    """Bad input or a missing need, in one sentence: what, where, and what to do.

    The command line prints it without a traceback and leaves with exit code 2.
    """
