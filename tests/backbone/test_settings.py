import platform

import pytest

from skresnet.backbone import check_precision

needs_x86 = pytest.mark.skipif(
    platform.machine() not in {"x86_64", "AMD64"}, reason="about x86 processors"
)


def test_float32_is_possible_on_any_processor(tmp_path):
    check_precision("float32", cpuinfo=tmp_path / "missing")


@needs_x86
@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16"])
def test_bfloat16_is_possible_where_the_processor_has_instructions(tmp_path, flag):
    (tmp_path / "cpuinfo").write_text(f"flags\t\t: fpu avx2 {flag} sse4_2\n")
    check_precision("bfloat16", cpuinfo=tmp_path / "cpuinfo")


@needs_x86
def test_bfloat16_is_refused_where_it_would_be_slow(tmp_path):
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu avx2 avx512f sse4_2\n")
    with pytest.raises(ValueError, match=r"precision='bfloat16'.*avx512_bf16.*float32"):
        check_precision("bfloat16", cpuinfo=tmp_path / "cpuinfo")


def test_bfloat16_is_refused_where_nothing_is_known(tmp_path):
    with pytest.raises(ValueError, match="precision='bfloat16' is not known"):
        check_precision("bfloat16", cpuinfo=tmp_path / "missing")


@needs_x86
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("fpu avx2 avx512f avx512_bf16", r"'int8' would be slow.*avx512_vnni.*float32"),
        (None, "'int8' is not known to be fast"),
    ],
)
def test_int8_is_refused_without_instructions_for_it(
    tmp_path, monkeypatch, flags, message
):
    monkeypatch.setattr("skresnet.backbone.settings.find_spec", lambda name: name)
    if flags:
        (tmp_path / "cpuinfo").write_text(f"flags\t\t: {flags}\n")
    with pytest.raises(ValueError, match=message):
        check_precision("int8", cpuinfo=tmp_path / "cpuinfo")


@needs_x86
@pytest.mark.parametrize("flag", ["avx512_vnni", "avx_vnni", "amx_int8"])
def test_int8_is_possible_where_the_processor_has_instructions(
    tmp_path, monkeypatch, flag
):
    monkeypatch.setattr("skresnet.backbone.settings.find_spec", lambda name: name)
    (tmp_path / "cpuinfo").write_text(f"flags\t\t: fpu avx2 {flag}\n")
    check_precision("int8", "openvino", cpuinfo=tmp_path / "cpuinfo")
