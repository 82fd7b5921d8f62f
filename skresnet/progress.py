"""The progress bars, which are of one kind wherever something takes its time."""

from tqdm.auto import tqdm


class Bar(tqdm):
    """A progress bar without tqdm's thread, which would outlive the call."""

    monitor_interval = 0
