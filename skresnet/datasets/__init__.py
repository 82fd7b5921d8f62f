"""Images on disk, with their classes, as data for scikit-learn."""

from skresnet.datasets.folder import load_image_folder
from skresnet.datasets.paper_figures import make_paper_figures
from skresnet.datasets.splits import load_image_splits

__all__ = ["load_image_folder", "load_image_splits", "make_paper_figures"]
