"""
A report on a model
===================

One page of HTML says how good a model is, at what it fails and what to try next. It can
be mailed, printed and read on a phone, and needs nothing but itself.
"""

# %%
# A model to report on
# --------------------
# The pictures are figures as papers have them, drawn here. The weights come with the
# package, so that nothing is downloaded, and a small ``input_size`` saves time.
import tempfile
from pathlib import Path

from skresnet import make_image_classifier, make_paper_figures

folder = Path(tempfile.mkdtemp()) / "figures"
data = make_paper_figures(folder, n_per_class=40, random_state=0)
model = make_image_classifier(
    network="efficientnet_lite0", random_state=0, embedder__input_size=96
)
model.fit(data.train.data, data.train.target)

# %%
# The report
# ----------
# The model is asked about the test pictures, which it was not trained on.
#
# .. the report
from skresnet import make_report

report = make_report(model, data.test.data, data.test.target, n_mistakes=8)
report

# %%
# .. end of the report
#
# To a file
# ---------
# sphinx_gallery_thumbnail_path = '_static/report.png'
path = report.save(folder / "report.html")
print(path.name, f"{path.stat().st_size / 1000:.0f} kB")
