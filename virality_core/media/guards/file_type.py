"""Names a file's type by its first bytes, for the message when it isn't a video."""

from __future__ import annotations

#: Containers that FFmpeg may open. Playlists (HLS, DASH, concat, SDP) and picture formats are left out: an untrusted
#: file must not be able to name another file or a host.
VIDEO_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpegts,mpeg,flv,asf,ogg,mp3,aac,wav,flac,amr"

_PICTURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "PNG picture"),
    (b"\xff\xd8\xff", "JPEG picture"),
    (b"BM", "BMP picture"),
    (b"II*\x00", "TIFF picture"),
    (b"MM\x00*", "TIFF picture"),
    (b"\x00\x00\x01\x00", "icon"),
)
_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1")
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF document"),
    (b"PK\x03\x04", "ZIP archive or office document"),
    (b"\x1f\x8b", "compressed archive"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
)


def picture_kind(head: bytes) -> str | None:
    """The type of a still picture ("PNG picture"), else None (a GIF may be a video)."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP picture"
    if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS:
        return "AVIF or HEIC picture"
    if head[:2] == b"BM" and len(head) >= 10 and head[6:10] != b"\x00\x00\x00\x00":
        return None  # a bitmap's reserved bytes are zero; this is text
    return next((kind for magic, kind in _PICTURES if head.startswith(magic)), None)


def other_kind(head: bytes) -> str | None:
    """The type of another file that isn't a video ("text file", "PDF document"), else None."""
    known = next((kind for magic, kind in _OTHERS if head.startswith(magic)), None)
    if known is not None:
        return known
    control = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return "text file" if head and control == 0 and _is_text(head) else None


def _is_text(head: bytes) -> bool:
    for cut in range(4):  # the head may end within a character
        try:
            head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return True
    return False
