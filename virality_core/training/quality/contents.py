"""Clean material: pictures that Debian packages ship, with their licences, split by picture."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from virality_core.errors import InputError

Split = Literal["train", "val", "test"]

_KDE_PHOTOS = (
    *("Autumn", "BytheWater", "ColdRipple", "ColorfulCups", "EveningGlow", "FallenLeaf"),
    *("Grey", "Kite", "OneStandsOut", "Path", "summer_1am"),
)
#: Debian 12 package and licence → folder and files. Left out: drawings so flat that no blur changes them.
_PICTURES: dict[str, tuple[str, str]] = {
    "mate-backgrounds 1.26.0 (GPL-2+, CC-BY-SA-4.0)": (
        "usr/share/backgrounds/mate",
        "nature/Aqua.jpg nature/Blinds.jpg nature/Dune.jpg nature/FreshFlower.jpg nature/Garden.jpg "
        "nature/GreenMeadow.jpg nature/LadyBird.jpg nature/RainDrops.jpg nature/Storm.jpg nature/TwoWings.jpg "
        "nature/Wood.jpg nature/YellowFlower.jpg abstract/Elephants_3840x2160.jpg",
    ),
    "plasma-workspace-wallpapers 5.27.5 (GPL-2+)": (
        "usr/share/wallpapers",
        "".join(f"{name}/contents/images/2560x1600.jpg " for name in _KDE_PHOTOS)
        + "SafeLanding/contents/images/5120x2880.jpg Volna/contents/images/5120x2880.jpg "
        "Shell/contents/images/5120x2880.jpg Altai/contents/images/5120x2880.png "
        "MilkyWay/contents/images/5120x2880.png Patak/contents/images/5120x2880.png "
        "Canopee/contents/images/3840x2160.png",
    ),
    "lomiri-wallpapers-16.04 20.04.0 (CC-BY-4.0, CC-BY-SA-4.0)": (
        "usr/share/backgrounds",
        "Bridge_by_Sander_Klootwijk.jpg Dragonfly_by_Bolly.jpg Picture_0B_by_freespace.jpg "
        "Wine_by_Jakkub_Mede.jpg aitzgorri_by_Aitzol_Berasategi.jpg free_by_Peter_Nerlich.jpg "
        "friends_by_Aitzol_Berasategi.jpg greentock_by_Peter_Nerlich.jpg life_by_Aitzol_Berasategi.jpg "
        "picosdeeuropa_by_Aitzol_Berasategi.jpg seeding_by_Clements_Engelhardt.jpg sunset_by_Aitzol_Berasategi.jpg",
    ),
    "lomiri-wallpapers-20.04 20.04.0 (CC-BY-SA-4.0)": (
        "usr/share/backgrounds",
        "Kleiber_by_Lukas_Baubkus.jpg Infinite-Sea_by_Aury88.jpg",
    ),
    "gnome-backgrounds 43.1 (CC-BY-SA-3.0)": (
        "usr/share/backgrounds/gnome",
        "licorice-l.webp pixels-l.webp grid-l.webp",
    ),
    "ukui-wallpapers 20.04.3 (CC-BY-SA-3.0)": ("usr/share/backgrounds", "rhythm.jpg string.jpg"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A clean picture: everything filmed from it is in one split."""

    path: Path
    source: str  # package and licence
    split: Split

    @property
    def name(self) -> str:
        """Its folder's or file's name, unique among the pictures."""
        parts = self.path.parts
        return parts[parts.index("contents") - 1] if "contents" in parts else self.path.stem


def pictures(root: Path = Path("/")) -> list[Picture]:
    """All pictures in an order drawn once, so that any first part of it is split three to one to one.

    Args:
        root: where the packages are installed, or the folder that `dpkg -x` unpacked them into.

    Raises:
        InputError: a package is missing.
    """
    found: list[Picture] = []
    for source, (folder, names) in _PICTURES.items():
        for name in names.split():
            path = root / folder / name
            if not path.is_file():
                raise InputError(f"{path} is missing: it comes with the Debian package {source.split()[0]}.")
            found.append(Picture(path=path, source=source, split="train"))
    found.sort(key=lambda one: hashlib.sha256(one.name.encode()).digest())
    turns: tuple[Split, ...] = ("train", "val", "train", "test", "train")
    return [
        Picture(path=one.path, source=one.source, split=turns[place % len(turns)]) for place, one in enumerate(found)
    ]
