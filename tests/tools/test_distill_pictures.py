import hashlib
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.distill.packed import load_pictures
from tools.distill.pictures import pack
from tools.distill.sources import Package


def noise(width, height, seed=0):
    """Coarse noise, of which a picture of any size differs from any other."""
    values = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((width, height))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


@pytest.fixture
def packed(tmp_path, folder):
    """Pack the folder, and return the levels' pixels of its pictures by name."""

    def packed():
        out = tmp_path / "out"
        pack(out, [], tmp_path / "debs", [folder])
        pixels, pictures = load_pictures(out)
        return {
            picture.name: [level.pixels(pixels) for level in picture.levels]
            for picture in pictures
        }

    return packed


def shapes(levels):
    return [level.shape for level in levels]


def test_a_picture_is_kept_as_it_is_and_a_larger_one_at_two_sizes(folder, packed):
    noise(120, 100).save(folder / "small.png")
    (folder / "deeper").mkdir()
    noise(1200, 800, seed=1).save(folder / "deeper" / "large.webp", lossless=True)
    pictures = packed()
    np.testing.assert_array_equal(
        pictures["small.png"][0], np.asarray(Image.open(folder / "small.png"))
    )
    assert shapes(pictures["deeper/large.webp"]) == [(512, 768, 3), (256, 384, 3)]


def test_a_very_large_photograph_is_cut_into_tiles_too(folder, packed):
    noise(2400, 1600).save(folder / "photo.jpg")
    pictures = packed()
    tiles = [pictures[f"photo.jpg#{number}"] for number in range(6)]
    assert shapes(pictures["photo.jpg"])[0] == (512, 768, 3)
    assert {levels[0].shape[:2] for levels in tiles} == {(512, 512)}
    shrunk = np.asarray(Image.open(folder / "photo.jpg").reduce(100), int)
    corner = Image.fromarray(tiles[5][0]).resize((8, 8), Image.Resampling.BOX)
    assert np.abs(shrunk[-8:, -8:] - np.asarray(corner, int)).mean() < 5


def test_what_is_small_plain_broken_or_there_already_is_left_out(folder, packed):
    noise(200, 200).save(folder / "a.png")
    noise(200, 200).save(folder / "a_again.bmp")
    noise(200, 95, seed=1).save(folder / "thin.png")
    Image.new("RGB", (200, 200), "teal").save(folder / "plain.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    assert set(packed()) == {"a.png", "china.jpg", "flower.jpg"}


def test_transparency_becomes_a_plain_colour(folder, packed):
    for seed in range(8):
        picture = noise(200, 200, seed)
        picture.putalpha(0)
        picture.paste(noise(100, 100, seed), (50, 50))
        picture.save(folder / f"{seed}.png")
    pictures = packed()
    grounds = {tuple(pictures[f"{seed}.png"][0][0, 0]) for seed in range(8)}
    assert (255, 255, 255) in grounds
    assert len(grounds) > 1
    assert all(
        (pictures[f"{n}.png"][0][:50] == pictures[f"{n}.png"][0][0, 0]).all()
        for n in range(8)
    )


def test_pictures_inside_zips_and_qt_resources_are_found(folder, packed):
    noise(200, 200).save(folder.parent / "in.png")
    noise(200, 200, seed=1).save(folder.parent / "in.jpg")
    with zipfile.ZipFile(folder / "data.pk3", "w") as archive:
        archive.write(folder.parent / "in.png", "textures/in.png")
    (folder / "data.rcc").write_bytes(
        b"qres" + (folder.parent / "in.jpg").read_bytes() + b"more"
    )
    assert {"data.pk3/textures/in.png", "data.rcc/4"} <= set(packed())


def test_the_index_names_sources_and_the_digest_of_the_pixels(tmp_path, folder):
    noise(200, 200).save(folder / "a.png")
    index = pack(tmp_path / "out", [], tmp_path / "debs", [folder])
    assert [source["pictures"] for source in index["sources"]] == [1, 2]
    assert index["sources"][1]["licence"] == "CC-BY-2.0"
    pixels = (tmp_path / "out" / "pixels.bin").read_bytes()
    assert index["digest"] == hashlib.sha256(pixels).hexdigest()


def test_a_package_that_cannot_be_had_is_reported_and_the_rest_is_packed(
    tmp_path, folder, capsys
):
    noise(200, 200).save(folder / "a.png")
    (tmp_path / "debs").mkdir()
    (tmp_path / "debs" / "no-such-package_1_all.deb").write_bytes(b"not a package")
    package = Package("no-such-package", "nothing", "CC0-1.0")
    index = pack(tmp_path / "out", [package], tmp_path / "debs", [folder])
    assert "no-such-package" in capsys.readouterr().err
    assert len(index["pictures"]) == 3


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="makes a package")
def test_a_package_is_unpacked_whichever_folder_names_it(tmp_path, monkeypatch):
    contents = tmp_path / "contents"
    (contents / "DEBIAN").mkdir(parents=True)
    (contents / "DEBIAN" / "control").write_text(
        "Package: photos\nVersion: 1.5-2\nArchitecture: all\n"
        "Maintainer: Nobody <nobody@example.org>\nDescription: photographs\n"
    )
    noise(200, 160).save(contents / "photo.png")
    (tmp_path / "work" / "debs").mkdir(parents=True)
    subprocess.run(
        ["dpkg-deb", "--build", contents, tmp_path / "work/debs/photos_1.5-2_all.deb"],
        check=True,
        capture_output=True,
    )
    monkeypatch.chdir(tmp_path)
    package = Package("photos", "one photograph", "CC0-1.0")
    index = pack(Path("work/pictures"), [package], Path("work/debs"), [])
    assert index["sources"][0]["version"] == "1.5-2"
    assert index["sources"][0]["pictures"] == 1


def test_nothing_at_all_is_an_error_and_leaves_nothing_behind(tmp_path, folder):
    with pytest.raises(ValueError, match=r"not one picture.*apt-get update"):
        pack(tmp_path / "out", [], tmp_path / "debs", [folder])
    assert list((tmp_path / "out").iterdir()) == []


def test_pixels_of_another_index_are_refused(tmp_path, folder):
    noise(200, 200).save(folder / "a.png")
    pack(tmp_path / "out", [], tmp_path / "debs", [folder])
    with (tmp_path / "out" / "pixels.bin").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match="Pack the pictures again"):
        load_pictures(tmp_path / "out")
