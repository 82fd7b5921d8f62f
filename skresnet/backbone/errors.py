"""What goes wrong with weights."""


class WeightsUnavailableError(OSError):
    """The weights are not on this machine, or are not those that are asked for."""
