"""Sphinx configuration. Build with `python -m sphinx docs docs/_build/html`."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
# The gallery runs on the processor, and its pages need no start-up notes.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import skresnet

project = "skresnet"
author = "The skresnet developers"
copyright = author
version = release = skresnet.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "auto_examples/**/GALLERY_HEADER.rst"]
templates_path = ["_templates"]

# Every name of this package that a docstring links to must exist. Those of other
# packages stay plain text: nothing is fetched while the site is built.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!skresnet\.).*")]
default_role = "py:obj"

autosummary_generate = True
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False

myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "ExampleTitleSortKey",
    "doc_module": "skresnet",
    "backreferences_dir": "api/examples",
    "inspect_global_variables": False,
    "remove_config_comments": True,
    "show_memory": False,
    # Plots and tables are shown, reprs of objects say nothing.
    "capture_repr": ("_repr_html_",),
    "download_all_examples": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "skresnet"
html_static_path = ["_static"]
html_css_files = ["skresnet.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_toc_level": 2,
    "header_links_before_dropdown": 5,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {
    "index": [],
    "getting_started": [],
    "comparison": [],
    "changelog": [],
    "contributing": [],
}
