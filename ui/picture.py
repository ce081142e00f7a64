"""Pictures, embedded in the page.

Streamlit serves `st.image` from a store that an interrupted rerun empties, which leaves a slow browser with a broken
picture. An embedded picture can't go missing.
"""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from ui import html_text
from virality_core.types import FrameBatch


def show(frames: FrameBatch, row: int, time: str) -> None:
    """The frame in `row` at full width; `time` is when it is shown, for the alternative text."""
    embed(jpeg(frames, row), "image/jpeg", f"Frame at {time}")


def embed(data: bytes, mime: str, alt: str) -> None:
    """A picture at full width."""
    st.html(f'<img class="rv-frame" src="{data_url(data, mime)}" alt="{html_text.safe(alt)}">')


def data_url(data: bytes, mime: str = "image/jpeg") -> str:
    """The bytes as a `data:` URL."""
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def jpeg(frames: FrameBatch, row: int, *, height: int | None = None) -> bytes:
    """One frame as JPEG, scaled down to `height` pixels if it is larger."""
    image = Image.fromarray(frames.rgb[row])
    if height is not None and image.height > height:
        image = image.resize((max(1, round(image.width * height / image.height)), height))
    out = BytesIO()
    image.save(out, "JPEG", quality=82)
    return out.getvalue()


def nearest(seconds: NDArray[np.float64], wanted: float) -> int:
    """The row of `seconds` nearest to `wanted`."""
    return int(np.abs(seconds - wanted).argmin())
