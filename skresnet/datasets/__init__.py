"""Images on disk, with their classes, as data for scikit-learn."""

from skresnet.datasets.features import load_features
from skresnet.datasets.folder import load_image_folder, load_image_splits
from skresnet.datasets.paper_figures import make_paper_figures
from skresnet.datasets.table import load_image_table

__all__ = [
    "load_features",
    "load_image_folder",
    "load_image_splits",
    "load_image_table",
    "make_paper_figures",
]
