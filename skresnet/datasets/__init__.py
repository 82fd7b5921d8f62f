"""Images on disk, with their classes, as data for scikit-learn."""

from skresnet.datasets.folder import load_image_folder, load_image_splits
from skresnet.datasets.paper_figures import make_paper_figures

__all__ = ["load_image_folder", "load_image_splits", "make_paper_figures"]
