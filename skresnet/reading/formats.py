"""What a file is that is not read, told by its first bytes."""

from typing import Final

_AS_WHAT: Final = "save it as PNG or JPEG"

# (offset, bytes, what it is); the first that fits.
_SIGNATURES: Final = (
    (0, b"%PDF-", "a PDF document"),
    (0, b"\x8aMNG", "MNG"),
    (0, b"\x8bJNG", "JNG"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"II\xbc", "JPEG XR"),
    (0, b"II*\0\x10\0\0\0CR", "a Canon raw file"),
    (0, b"IIU\0", "a Panasonic raw file"),
    (0, b"IIRO", "an Olympus raw file"),
    (0, b"FUJIFILMCCD-RAW", "a Fujifilm raw file"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"#?RGBE", "Radiance HDR"),
    (0, b"DDS ", "a DirectDraw surface"),
    (0, b"qoif", "QOI"),
    (0, b"BPG\xfb", "BPG"),
    (0, b"FLIF", "FLIF"),
    (0, b"gimp xcf", "a GIMP document"),
    (0, b"AT&TFORM", "DjVu"),
    (0, b"\0\0\x01\0", "an icon"),
    (0, b"\0\0\x02\0", "a cursor"),
    (0, b"icns", "an icon of macOS"),
    (0, b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (0, b"\x0a\x05\x01\x08", "PCX"),
    (0, b"\x59\xa6\x6a\x95", "a Sun raster file"),
    (0, b"\x01\xda", "an SGI image"),
    (0, b"SIMPLE  =", "FITS"),
    (128, b"DICM", "DICOM"),
    (344, b"n+1\0", "NIfTI"),
    (0, b"\x89HDF\r\n\x1a\n", "HDF5"),
    (0, b"\x93NUMPY", "an array of NumPy; load it with numpy.load"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "compressed by gzip"),
    (0, b"BZh", "compressed by bzip2"),
    (0, b"\xfd7zXZ", "compressed by xz"),
    (0, b"(\xb5/\xfd", "compressed by Zstandard"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive"),
    (0, b"Rar!", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"PAR1", "Parquet"),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM film"),
    (8, b"AVI ", "an AVI film"),
    (4, b"ftyp", "a film or picture of the ISO kind, such as MP4"),
    (0, b"version https://git-lfs", "a pointer of Git LFS; git lfs pull gets the file"),
)
_TEXTS: Final = (
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<svg", "SVG, a drawing without pixels"),
    (b"<?xml", "XML"),
    (b"{", "text"),
)


def what_it_is(prefix: bytes) -> str | None:
    """Name the kind of a file, with what to do about it.

    Parameters
    ----------
    prefix : bytes
        The first bytes, 352 of them for NIfTI and fewer for others.

    Returns
    -------
    str or None
        None if nothing is known that begins like this.
    """
    for offset, signature, name in _SIGNATURES:
        if prefix[offset : offset + len(signature)] == signature:
            return name if ";" in name else f"{name}; {_AS_WHAT}"
    if prefix[:1] == b"P" and prefix[1:2] in b"1234567Ff" and prefix[2:3].isspace():
        return f"a portable anymap; {_AS_WHAT}"
    text = prefix.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for signature, name in _TEXTS:
        if text.startswith(signature):
            return name
    return None
