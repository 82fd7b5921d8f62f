"""Plots that no window shows and that are gone after each test."""

import matplotlib
import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def plots_without_windows():
    with matplotlib.rc_context({"backend": "Agg"}):
        yield
        plt.close("all")
