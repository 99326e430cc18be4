"""What is said to the person at the keyboard: one sentence with what, where, and what to do."""

import errno


class UserError(Exception):
    """Bad input or a missing need, in one sentence: what, where, and what to do.

    The command line prints it without a traceback and leaves with exit code 2.
    """


class PhotoError(UserError):
    """What is wrong with one photo alone: in a run over many it makes a reject and stops nothing."""


_ADVICE = {
    errno.ENOSPC: "The disk is full: make room, and the same command goes on",
    errno.EDQUOT: "Your share of the disk is used up: make room, and the same command goes on",
    errno.EACCES: "No permission: change the rights, or give another place",
    errno.EPERM: "No permission: change the rights, or give another place",
    errno.EROFS: "That disk can only be read: give another place",
    errno.ENOENT: "There is no such file or folder: look at the spelling",
    errno.EEXIST: "It is there already: move it away, or give another name",
    errno.ENOTDIR: "A file stands where a folder is needed: give another path",
    errno.EISDIR: "A folder stands where a file is needed: give another path",
    errno.ENOTEMPTY: "The folder is not empty: move away what is in it, or give another",
    errno.ENAMETOOLONG: "The name is too long for this disk: give a shorter one",
    errno.EFBIG: "A file became larger than the disk, or `ulimit -f`, allows: give another place, or raise it",
    errno.EMFILE: "Too many files are open: give fewer --workers, or raise `ulimit -n`",
    errno.EIO: "The disk cannot be read or written there: look at the disk",
    errno.ELOOP: "Links lead in a circle there: give another path",
}


def sentence(error: OSError) -> str:
    """An error of the disk as a sentence; one without a known number says of itself what it is."""
    names = ", ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
    advice = _ADVICE.get(error.errno or 0)
    if advice is None:
        return f"{(error.strerror and names) or 'The system'} says: {why(error)} (--debug shows where)."
    return f"{advice} ({names})." if names else f"{advice}."


def why(error: Exception) -> str:
    """The cause of another sentence's trouble in a few words: no number, no name that the sentence has already."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:200]
