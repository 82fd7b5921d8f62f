import copy
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch trains the package's weights")

from skresnet import ResNet50Embedder
from tools.distill.checkpoint import NAME, read_checkpoint, write_checkpoint
from tools.distill.convert import TOLERANCE, feature_difference, write_keras_weights
from tools.distill.crops import Crops
from tools.distill.pictures import pack
from tools.distill.probe import Probe
from tools.distill.student import Student


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """Give a folder of coarse coloured noise."""
    folder = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(0)
    for i in range(6):
        values = rng.integers(0, 256, (12, 15, 3), dtype=np.uint8)
        Image.fromarray(values).resize((300, 240)).save(folder / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def pictures(noise, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    pack(folder, [], folder / "debs", [noise])
    return folder


@pytest.fixture(scope="module")
def student():
    """Give a student whose normalisations are not what they start as."""
    torch.manual_seed(0)
    student = Student().eval()
    for unit in student.units():
        torch.nn.init.uniform_(unit.norm.weight, 0.5, 1.5)
        torch.nn.init.uniform_(unit.norm.bias, -0.5, 0.5)
        torch.nn.init.uniform_(unit.norm.running_mean, -0.5, 0.5)
        torch.nn.init.uniform_(unit.norm.running_var, 0.5, 1.5)
    return student


def crops(pictures, first=0, seed=0):
    return Crops(pictures, batch_size=4, size=48, first=first, seed=seed)


def test_the_converted_file_gives_the_students_features_in_keras_and_here(
    student, tmp_path
):
    path = tmp_path / "student.weights.h5"
    write_keras_weights(student, path)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 48, 3), dtype=np.uint8)
    assert feature_difference(student, path, pixels) < TOLERANCE
    embedder = ResNet50Embedder(weights=path, input_size=(64, 48))
    rows = embedder.fit_transform(list(pixels))
    with torch.no_grad():
        wanted = student(torch.from_numpy(pixels).permute(0, 3, 1, 2).float()).numpy()
    np.testing.assert_allclose(rows, wanted, rtol=1e-3, atol=1e-3 * wanted.max())


def test_another_network_is_found_out_by_the_check(student, tmp_path):
    path = tmp_path / "student.weights.h5"
    write_keras_weights(student, path)
    other = Student().eval()
    other.load_state_dict(student.state_dict())
    with torch.no_grad():
        other.blocks[9].second.conv.weight.mul_(0.9)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), dtype=np.uint8)
    assert feature_difference(other, path, pixels) > TOLERANCE


def test_scaled_features_are_the_same_but_for_the_factor(student):
    pixels = 255 * torch.rand(2, 3, 64, 64)
    scaled = copy.deepcopy(student)
    scaled.scale_features(7.5)
    with torch.no_grad():
        wanted = 7.5 * student(pixels)
        torch.testing.assert_close(
            scaled(pixels), wanted, rtol=1e-3, atol=1e-3 * wanted.max().item()
        )


def test_a_batch_of_crops_is_decided_by_its_number_alone(pictures):
    batches = crops(pictures)
    assert batches[0].shape == (4, 3, 48, 48)
    assert torch.equal(batches[5], crops(pictures)[5])
    assert torch.equal(batches[5], crops(pictures, first=3)[2])
    assert not torch.equal(batches[5], batches[6])
    assert not torch.equal(batches[5], crops(pictures, seed=1)[5])


def test_a_checkpoint_stays_whole_when_the_next_one_fails(tmp_path):
    write_checkpoint(tmp_path, {"steps": 7})
    with pytest.raises(Exception, match=r"pickle|local"):
        write_checkpoint(tmp_path, {"steps": lambda: 8})
    assert read_checkpoint(tmp_path) == {"steps": 7}
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_damaged_checkpoint_is_named(tmp_path):
    assert read_checkpoint(tmp_path) is None
    path = write_checkpoint(tmp_path, {"steps": 7})
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ValueError, match=rf"{NAME} is no readable checkpoint"):
        read_checkpoint(tmp_path)


def test_features_that_hold_the_class_have_full_accuracy_and_noise_has_not(tmp_path):
    for name, level in (("dark", 40), ("light", 200)):
        folder = tmp_path / name
        folder.mkdir()
        for i in range(12):
            Image.new("RGB", (20, 20), (level + i,) * 3).save(folder / f"{i}.png")
    probe = Probe(tmp_path, 16)
    cpu = torch.device("cpu")
    assert probe.accuracy(lambda pixels: pixels.mean((2, 3)), cpu) == 1
    noise = np.random.default_rng(0).normal(size=(24, 2)).astype(np.float32)
    assert probe.accuracy_of_rows(noise) < 1


def test_a_folder_without_classes_is_refused_by_name(noise):
    with pytest.raises(FileNotFoundError, match=f"{noise} holds no pictures in class"):
        Probe(noise)


@pytest.fixture
def settings():
    pytest.importorskip("efficientnet_lite_pytorch", reason="the teacher")
    from tools.distill.training import Settings

    return Settings(
        minutes=0.03, crop_size=32, sizes=((32, 1.0),), batch_size=4, seed=1
    )


@pytest.fixture
def run(settings, pictures):
    from tools.distill.training import Run

    return lambda: Run(settings, pictures, torch.device("cpu"))


def test_a_run_that_was_stopped_goes_on_where_it_was(run, tmp_path):
    whole, first, second = run(), run(), run()
    crops = next(whole.batches())
    for started in (whole, first):
        started.measure_teacher([crops])
        started.step(crops)
    whole.step(crops)
    write_checkpoint(tmp_path, first.state())
    second.restore(read_checkpoint(tmp_path))
    second.step(crops)
    assert second.steps == whole.steps == 2
    for mine, wanted in zip(
        second.student.parameters(), whole.student.parameters(), strict=True
    ):
        torch.testing.assert_close(mine, wanted)


def test_the_time_that_is_given_is_spent_and_the_end_is_kept(run, settings, tmp_path):
    from tools.distill.training import settings_of, train

    trained = run()
    train(
        trained,
        probes=[],
        keep=lambda state: write_checkpoint(tmp_path, state),
        probe_minutes=1,
    )
    state = read_checkpoint(tmp_path)
    assert trained.progress == 1
    assert state["steps"] == trained.steps > 0
    assert settings_of(state) == settings


def test_the_same_picture_again_and_again_is_learned(run):
    trained = run()
    trained.settings = replace(trained.settings, minutes=1000.0)
    batch = next(trained.batches())
    trained.measure_teacher([batch, batch.flip(0)])
    losses = []
    for _ in range(25):
        trained.step(batch)
        losses.append(sum(trained.last))
    assert losses[-1] < 0.8 * losses[0]


def test_another_schedule_starts_with_what_a_run_has_learned(run):
    finished, following = run(), run()
    crops = next(finished.batches())
    finished.measure_teacher([crops])
    finished.step(crops)
    finished.seconds = 60 * finished.settings.minutes
    state = finished.state()
    following.start_from(state)
    assert (finished.progress, following.progress) == (1, 0)
    for mine, wanted in zip(
        following.student.parameters(), finished.student.parameters(), strict=True
    ):
        torch.testing.assert_close(mine, wanted)
    assert not torch.equal(next(following.batches()), crops)
    state["settings"]["teacher"] = "lite2"
    with pytest.raises(ValueError, match="'lite2' and cannot go on with 'lite0'"):
        run().start_from(state)
