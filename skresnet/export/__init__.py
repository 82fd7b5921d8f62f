"""One network, from pixels to probabilities, for other runtimes."""

from skresnet.export.exporting import ExportCheck, ExportMismatchError, export_model

__all__ = ["ExportCheck", "ExportMismatchError", "export_model"]
