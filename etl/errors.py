"""The loader's one exception."""


class LoadError(Exception):
    """The files cannot be used, the live catalogue is unchanged; the message names the file, and the line if known."""
