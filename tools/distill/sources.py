"""The Debian packages whose pictures are used, and their licences.

The licences are those of the named files in each package's copyright file
(/usr/share/doc/PACKAGE/copyright); the names are SPDX's where it has one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A package: what it holds, its licence, and which of its pictures are used.

    `keep` and `drop` are regular expressions searched for in a picture's name. With
    `limit`, so many pictures are taken evenly, in the order of their names' digests.
    `share` weighs how often crops are drawn from the package, beside the square root
    of its number of pictures: photographs teach more than drawings and textures.
    """

    name: str
    holds: str
    licence: str
    keep: str = ""
    drop: str = r"^usr/share/(doc|icons)/"
    limit: int | None = None
    share: float = 1.0


PACKAGES = (
    Package(
        "tuxpaint-stamps-default",
        "cut out photographs and drawings of animals, plants, food and things",
        "GPL-2.0-only",
        drop=r"^usr/share/(doc|icons)/|/alphabets/",
        share=1.5,
    ),
    Package(
        "gcompris-qt-data",
        "photographs of animals, monuments and things, paintings, drawings",
        # All that the copyright file names; none of them forbids a use.
        "CC-BY-SA-2.0 AND CC-BY-SA-2.5 AND CC-BY-SA-3.0 AND CC-BY-SA-4.0 AND "
        "CC-BY-1.0 AND CC-BY-2.0 AND CC-BY-3.0 AND CC0-1.0 AND GPL-3.0-or-later AND "
        "GFDL-1.2-no-invariants-or-later AND LAL-1.3 AND public-domain",
        keep=r"\.rcc/",
        # Digits, letters and boards of games.
        drop=r"/(money|memory|melody|louis-braille|babyshapes)\.rcc/",
        share=1.5,
    ),
    Package(
        "lomiri-wallpapers-16.04",
        "photographs",
        "CC-BY-4.0 AND CC-BY-SA-3.0 AND CC-BY-SA-4.0 AND CC0-1.0",
        share=1.5,
    ),
    Package("lomiri-wallpapers-20.04", "photographs", "CC-BY-4.0 AND CC-BY-SA-4.0"),
    Package(
        "mate-backgrounds",
        "photographs and renderings",
        "GPL-2.0-or-later AND CC-BY-SA-4.0",
        share=1.5,
    ),
    Package(
        "plasma-workspace-wallpapers", "paintings and renderings", "GPL-2.0-or-later"
    ),
    Package("ukui-wallpapers", "photographs and renderings", "CC-BY-SA-3.0"),
    Package(
        "lxqt-themes",
        "photographs and renderings",
        "LGPL-2.1-or-later AND LGPL-3.0-only",
        keep=r"/wallpapers/",
        drop=r"logo|windows",
    ),
    Package(
        "palapeli-data",
        "photographs",
        "GPL-2.0-or-later",
        keep=r"^usr/share/palapeli/",
    ),
    Package(
        "kphotoalbum",
        "photographs",
        "GPL-2.0-or-later",
        keep=r"^usr/share/kphotoalbum/demo/",
        drop=r"logo|CategoryImages",
        share=1.5,
    ),
    Package(
        "trigger-rally-data",
        "photographs of skies, plants and signs, aerial pictures",
        "GPL-2.0-or-later AND CC0-1.0 AND CC-BY-3.0 AND CC-BY-SA-3.0",
        keep=r"data\.zip/",
        drop=r"CodriverSigns/(plain|glossy|abon)|hmap|height|foliage|roadmap",
        limit=500,
        share=0.3,
    ),
    Package(
        "stellarium-data",
        "photographs of landscapes, nebulae and galaxies",
        "GPL-2.0-or-later",
        keep=r"/(landscapes|nebulae)/",
        limit=300,
        share=0.5,
    ),
    Package(
        "supertuxkart-data",
        "textures, many of them from photographs, and scenes of the game",
        "CC-BY-SA-3.0 AND CC-BY-SA-4.0 AND CC-BY-3.0 AND CC-BY-4.0 AND CC0-1.0 AND "
        "GPL-2.0-or-later AND GPL-3.0-or-later AND Apache-2.0 AND MIT AND Zlib AND "
        "public-domain",
        keep=r"/(textures|tracks|karts|models|library)/",
        drop=r"(?i)(normal|_nm|_nrm|gloss|specular|lightmap|_mask|_data|_sp|minimap)",
        limit=1000,
        share=0.7,
    ),
    Package(
        "nexuiz-textures",
        "textures from photographs and drawn ones",
        "GPL-2.0-or-later",
        keep=r"\.pk3/",
        drop=r"_(norm|gloss|bump|glow|pants|shirt|r)\.",
        limit=1000,
        share=0.5,
    ),
    Package(
        "openclipart-png",
        "drawings of everything",
        "public-domain",
        drop=r"/(shapes/stars|special/patterns|icons/(flat|lemon)-theme)/",
        limit=3000,
        share=0.6,
    ),
)
