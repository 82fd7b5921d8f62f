"""`skresnet export`: a model as one network for other runtimes."""

import json
import subprocess
import sys

import pytest


def test_it_writes_a_file_and_says_how_it_was_checked(run, model_file, tmp_path):
    import onnxruntime

    result = run("export", model_file, tmp_path / "model.onnx")
    assert "run by onnxruntime" in result.stdout
    assert "on 14 pictures" in result.stdout
    assert f"Wrote {tmp_path / 'model.onnx'}" in result.stdout
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    classes = session.get_modelmeta().custom_metadata_map["classes"]
    assert json.loads(classes) == ["blue", "green", "red"]


def test_a_file_that_exists_is_replaced_by_force_alone(run, model_file, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_text("of yesterday")
    assert "--force" in run("export", model_file, path, status=1).stderr
    assert path.read_text() == "of yesterday"
    run("export", model_file, path, "--force")
    assert path.stat().st_size > 1000


def test_the_pictures_of_a_folder_can_be_the_sample(
    run, model_file, tmp_path, colour_folder
):
    sample = colour_folder / "test"
    result = run("export", model_file, tmp_path / "m.onnx", "--sample", sample)
    assert "on 18 pictures" in result.stdout


@pytest.mark.parametrize("name", ["model.h5", "model.ONNX", "none/model.onnx"])
def test_a_place_that_cannot_be_is_refused_before_the_model_is_read(
    run, tmp_path, name
):
    result = run("export", tmp_path / "missing.joblib", tmp_path / name, status=1)
    assert "expected" in result.stderr or "does not exist" in result.stderr
    assert "missing.joblib" not in result.stderr


def test_converters_do_not_speak_to_the_user(model_file, tmp_path):
    command = [sys.executable, "-m", "skresnet", "export", model_file]
    done = subprocess.run(
        [*command, tmp_path / "model"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2


def test_a_model_is_not_replaced_by_its_export(run, model_file, tmp_path):
    model = tmp_path / "model.keras"
    content = model_file.read_bytes()
    model.write_bytes(content)
    result = run("export", model, model, "--force", status=1)
    assert "is read by this command" in result.stderr
    assert model.read_bytes() == content


def test_a_sample_that_cannot_be_read_is_named_before_the_model_is(run, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    command = ["export", tmp_path / "no.joblib", tmp_path / "m.onnx"]
    refused = run(*command, "--sample", tmp_path, status=1).stderr
    assert "a.jpg: " in refused
    assert "Mend or remove them." in refused
    assert "no.joblib" not in refused
