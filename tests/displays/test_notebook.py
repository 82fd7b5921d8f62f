"""How a fitted model looks in a notebook, and what showing it costs."""

import subprocess
import sys

import joblib
from sklearn.utils import estimator_html_repr


def test_the_best_epoch_and_its_score_are_shown(colour_model):
    page = estimator_html_repr(colour_model)
    assert "best_epoch_" in page
    assert f"{colour_model['classifier'].best_score_:.4g}" in page


def test_a_loaded_model_is_shown_without_building_the_network(colour_model, tmp_path):
    joblib.dump(colour_model, tmp_path / "model.joblib")
    script = (
        "import sys, joblib\n"
        "from sklearn.utils import estimator_html_repr\n"
        "model = joblib.load(sys.argv[1])\n"
        "estimator_html_repr(model)\n"
        "assert 'best_epoch_' in dir(model['classifier'])\n"
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", script, tmp_path / "model.joblib"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "[]"
