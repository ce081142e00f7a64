"""Draw the sample reel: `python -m assets.draw_sample` writes assets/sample_reel.mp4 and sample_strip.jpg anew.

Four drawn scenes of 2.4 seconds each, cut on the beat of plucked notes: nothing in it was filmed or recorded, so it
can ship with the project. The same script always draws the same frames.
"""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 720, 1280
FRAME_RATE = 30
SCENE_SECONDS = 2.4  # four beats at 100 a minute
BEAT_SECONDS = 0.6
SAMPLE_RATE = 44_100
TITLE = "Wait for the light"

Frame = NDArray[np.uint8]
Colour = tuple[int, int, int]


def main() -> None:
    """Write the reel, and the strip of its four scenes that invites to try it, beside this script."""
    write(Path(__file__).with_name("sample_reel.mp4"))
    strip(Path(__file__).with_name("sample_strip.jpg"))


def strip(path: Path) -> None:
    """Save the middle frame of each scene, side by side and small."""
    frames = [Image.fromarray(scene(0.5)).resize((180, 320)) for scene in SCENES]
    picture = Image.new("RGB", (180 * len(frames), 320))
    for place, frame in enumerate(frames):
        picture.paste(frame, (180 * place, 0))
    picture.save(path, quality=84)


def write(path: Path) -> None:
    """Encode the four scenes and their music to `path` (H.264 and AAC in MP4)."""
    per_scene = round(SCENE_SECONDS * FRAME_RATE)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        video = container.add_stream("libx264", rate=FRAME_RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"crf": "27", "preset": "slow", "tune": "animation", "threads": "1", "g": "60"}
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        audio.bit_rate = 64_000
        for scene in SCENES:
            for index in range(per_scene):
                picture = av.VideoFrame.from_ndarray(scene(index / per_scene), format="rgb24")
                container.mux(video.encode(picture))
        container.mux(video.encode(None))
        sound = av.AudioFrame.from_ndarray(music(len(SCENES) * SCENE_SECONDS)[None], format="fltp", layout="mono")
        sound.sample_rate = SAMPLE_RATE
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))


def dawn(t: float) -> Frame:
    """The sun comes up behind five ranges of hills; `t` is 0–1 within the scene."""
    frame = sky((31, 58, 95), (240, 140, 96), (252, 214, 160))
    rise = 700 - 240 * ease(t)
    glow(frame, (WIDTH * 0.56, rise), 420, (255, 206, 130), 0.75)
    disc(frame, (WIDTH * 0.56, rise), 92, (255, 240, 205))
    colours: tuple[Colour, ...] = ((190, 128, 122), (142, 96, 112), (92, 76, 100), (52, 58, 80), (24, 36, 52))
    for depth, colour in enumerate(colours):
        ridge = 690 + 110 * depth + 60 * wave(depth + 1, shift=t * 0.10 * (depth + 1), scale=0.9 - 0.12 * depth)
        fill_below(frame, ridge, colour)
    for bird in range(5):
        flap = 10 * np.sin(2 * np.pi * (t * 3 + bird * 0.23))
        x, y = 70 + bird * 58 + 170 * t, 460 - bird * 20 - 70 * t + 14 * (bird % 2)
        line(frame, [(x - 22, y - flap), (x, y), (x + 22, y - flap)], (40, 48, 70), 4)
    return caption(frame, min(1.0, t * 4))


def sea(t: float) -> Frame:
    """A sailing boat crosses the sun's path on the water."""
    frame = sky((22, 92, 120), (250, 178, 120), (255, 226, 170))
    horizon = 700
    glow(frame, (360, horizon - 60), 480, (255, 214, 140), 0.8)
    disc(frame, (360, horizon - 70), 120, (255, 243, 212))
    fill_below(frame, np.full(WIDTH, float(horizon)), (20, 96, 118))
    for row in range(16):
        y = horizon + 14 + row * 30
        half = 34 + row * 9 + 16 * np.sin(2 * np.pi * (t * 1.4 + row * 0.31))
        line(frame, [(360 - half, y), (360 + half, y)], (252, 206, 150), 5 + row // 3)
    rock = 0.05 * np.sin(2 * np.pi * t * 1.2)
    boat(frame, (140 + 330 * t, horizon + 130 + 8 * np.sin(2 * np.pi * t * 1.2)), rock)
    for depth, colour in enumerate(((14, 78, 102), (10, 58, 82), (8, 40, 60))):
        swell = 930 + 110 * depth + 22 * wave(depth + 4, shift=t * 0.5 * (1 if depth % 2 else -1), scale=1.6)
        fill_below(frame, swell, colour)
    return frame


def forest(t: float) -> Frame:
    """Fireflies rise between dark pines under a moon."""
    frame = sky((8, 16, 34), (20, 50, 74), (46, 96, 104))
    rng = np.random.default_rng(7)
    for x, y, phase in rng.random((120, 3)):
        shine = 0.5 + 0.5 * np.sin(2 * np.pi * (t * 1.5 + phase))
        disc(frame, (x * WIDTH, y * 700), 1.2 + 1.6 * phase, tuple(int(90 + 150 * shine) for _ in range(3)))
    glow(frame, (520, 290), 300, (190, 214, 214), 0.45)
    disc(frame, (520, 290), 86, (238, 240, 226))
    for depth, colour in enumerate(((22, 62, 72), (14, 42, 52), (6, 22, 30))):
        for tree in range(9 - 2 * depth):
            step = WIDTH / (8 - 2 * depth)
            pine(frame, (tree * step - 40 * t * (depth + 1), 900 + 150 * depth), 420 + 110 * depth, colour)
        fill_below(frame, 890 + 150 * depth + 12 * wave(depth + 9, shift=0.02 * t, scale=1.0), colour)
    for x, y, phase in rng.random((34, 3)):
        place = ((x + 0.03 * np.sin(2 * np.pi * (t + phase))) * WIDTH, 1150 - 620 * ((y + 0.35 * t) % 1))
        glow(frame, place, 26, (255, 226, 120), 0.55 + 0.4 * np.sin(2 * np.pi * (2 * t + phase)))
        disc(frame, place, 3.5, (255, 244, 190))
    return frame


def balloons(t: float) -> Frame:
    """Three balloons climb out of the haze."""
    frame = sky((88, 160, 190), (178, 214, 210), (250, 236, 208))
    for depth, colour in enumerate(((196, 214, 200), (150, 186, 172), (92, 146, 134))):
        fill_below(frame, 960 + 80 * depth + 46 * wave(depth + 14, shift=0.05 * t, scale=0.8), colour)
    lift = 180 * ease(t)
    balloon(frame, (170, 470 - 0.6 * lift), 88, (232, 168, 72), (250, 216, 150))
    balloon(frame, (575, 660 - 0.8 * lift), 112, (38, 116, 110), (120, 186, 172))
    balloon(frame, (380, 560 - 1.3 * lift), 170, (204, 82, 58), (246, 222, 190))
    fill_below(frame, 1190 + 30 * wave(21, shift=0.08 * t, scale=0.7), (48, 102, 94))
    return frame


def sky(top: Colour, middle: Colour, bottom: Colour) -> Frame:
    """A gradient through three colours, from the top edge to two thirds of the height, and flat below."""
    place = np.clip(np.linspace(0, 1.5, HEIGHT), 0, 1)
    stops = np.array([top, middle, bottom], dtype=np.float64)
    column = np.stack([np.interp(place, [0, 0.62, 1], stops[:, c]) for c in range(3)], axis=1)
    return np.repeat(column[:, None, :], WIDTH, axis=1).round().astype(np.uint8)


def wave(seed: int, *, shift: float, scale: float) -> NDArray[np.float64]:
    """A smooth line of −1…1 across the width, moved by `shift` widths."""
    phases = np.random.default_rng(seed).random(3)
    x = np.arange(WIDTH) / WIDTH + shift
    return sum(np.sin(2 * np.pi * (x * scale * k + phases[k - 1])) / k for k in (1, 2, 3)) / 1.83


def fill_below(frame: Frame, line_y: NDArray[np.float64], colour: Colour) -> None:
    points = np.column_stack([np.arange(WIDTH), line_y])
    polygon(frame, [*points, (WIDTH, HEIGHT), (0, HEIGHT)], colour)


def polygon(frame: Frame, points: list[tuple[float, float]], colour: Colour) -> None:
    fixed = np.round(np.asarray(points, dtype=np.float64) * 16).astype(np.int32)
    cv2.fillPoly(frame, [fixed], colour, cv2.LINE_AA, 4)


def line(frame: Frame, points: list[tuple[float, float]], colour: Colour, width: int) -> None:
    fixed = np.round(np.asarray(points, dtype=np.float64) * 16).astype(np.int32)
    cv2.polylines(frame, [fixed], False, colour, width, cv2.LINE_AA, 4)


def disc(frame: Frame, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    cv2.circle(frame, (round(centre[0] * 16), round(centre[1] * 16)), round(radius * 16), colour, -1, cv2.LINE_AA, 4)


def glow(frame: Frame, centre: tuple[float, float], radius: float, colour: Colour, strength: float) -> None:
    """Blend a soft round light into the frame."""
    left, right = max(0, int(centre[0] - radius)), min(WIDTH, int(centre[0] + radius))
    top, bottom = max(0, int(centre[1] - radius)), min(HEIGHT, int(centre[1] + radius))
    if left >= right or top >= bottom or strength <= 0:
        return
    y, x = np.mgrid[top:bottom, left:right]
    alpha = strength * np.clip(1 - np.hypot(x - centre[0], y - centre[1]) / radius, 0, 1)[..., None] ** 2
    part = frame[top:bottom, left:right]
    part[:] = np.round(part * (1 - alpha) + np.array(colour) * alpha).astype(np.uint8)


def pine(frame: Frame, foot: tuple[float, float], height: float, colour: Colour) -> None:
    x, y = foot
    for tier in range(4):
        half, top = height * (0.11 + 0.045 * tier), y - height + height * 0.2 * tier
        polygon(frame, [(x, top), (x + half, top + height * 0.36), (x - half, top + height * 0.36)], colour)


def boat(frame: Frame, place: tuple[float, float], angle: float) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def at(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [tuple(turn @ np.array(point) + place) for point in points]

    polygon(frame, at([(-92, 0), (92, 0), (62, 44), (-66, 44)]), (96, 44, 40))
    polygon(frame, at([(4, -250), (4, -14), (104, -14)]), (255, 250, 236))
    polygon(frame, at([(-8, -220), (-8, -14), (-84, -14)]), (238, 122, 86))
    line(frame, at([(-2, -262), (-2, 2)]), (70, 40, 38), 6)


def balloon(frame: Frame, centre: tuple[float, float], radius: float, colour: Colour, stripe: Colour) -> None:
    x, y = centre
    angles = np.linspace(0, np.pi, 40)
    for k, share in enumerate((1.0, 0.66, 0.28)):
        half = radius * share
        dome = [(x + half * np.cos(a), y - radius * np.sin(a)) for a in angles]
        polygon(
            frame,
            [*dome, (x - half * 0.24, y + radius * 1.12), (x + half * 0.24, y + radius * 1.12)],
            stripe if k % 2 else colour,
        )
    for side in (-1, 1):
        line(
            frame,
            [(x + side * radius * 0.2, y + radius * 1.12), (x + side * radius * 0.14, y + radius * 1.42)],
            (84, 70, 60),
            3,
        )
    basket = radius * 0.17
    polygon(
        frame,
        [
            (x - basket, y + radius * 1.4),
            (x + basket, y + radius * 1.4),
            (x + basket * 0.8, y + radius * 1.66),
            (x - basket * 0.8, y + radius * 1.66),
        ],
        (118, 78, 52),
    )


def caption(frame: Frame, appear: float) -> Frame:
    """The title in the upper third, where no app's buttons lie over it."""
    picture = Image.fromarray(frame)
    layer = Image.new("RGBA", picture.size)
    font = ImageFont.load_default(size=72)
    draw = ImageDraw.Draw(layer)
    left, top, right, bottom = draw.textbbox((0, 0), TITLE, font=font)
    place = ((WIDTH - right - left) / 2, 190 - (bottom - top) / 2 + 14 * (1 - appear))
    draw.text((place[0], place[1] + 3), TITLE, font=font, fill=(20, 30, 50, int(120 * appear)))
    draw.text(place, TITLE, font=font, fill=(255, 248, 234, int(255 * appear)))
    picture.paste(layer, mask=layer)
    return np.asarray(picture)


def ease(t: float) -> float:
    return t * t * (3 - 2 * t)


def music(seconds: float) -> NDArray[np.float32]:
    """Plucked notes of a pentatonic scale on every half beat over a bass on every scene: float32 (S,) in −1…1."""
    count = round(seconds * SAMPLE_RATE)
    out = np.zeros(count + SAMPLE_RATE * 2)
    melody = (64, 67, 71, 74, 76, 74, 71, 67)
    for step in range(int(seconds / BEAT_SECONDS * 2)):
        pluck(out, step * BEAT_SECONDS / 2, melody[(step * 3 + step // 8) % 8], 0.22, decay=5.0)
    for scene, note in enumerate((40, 45, 43, 47)):
        for beat in (0, 2):
            pluck(out, scene * SCENE_SECONDS + beat * BEAT_SECONDS, note, 0.45, decay=2.2)
    out = out[:count]
    out *= np.minimum(1, np.arange(count)[::-1] / (0.4 * SAMPLE_RATE))
    return (0.7 * out / np.abs(out).max()).astype(np.float32)


def pluck(out: NDArray[np.float64], start: float, note: int, level: float, *, decay: float) -> None:
    begin = round(start * SAMPLE_RATE)
    t = np.arange(min(SAMPLE_RATE * 2, len(out) - begin)) / SAMPLE_RATE
    pitch = 440 * 2 ** ((note - 69) / 12)
    tone = sum(np.sin(2 * np.pi * pitch * k * t) * np.exp(-decay * k * t) / k**1.5 for k in (1, 2, 3, 4))
    out[begin : begin + len(t)] += level * tone * np.minimum(1, t / 0.004)


SCENES = (dawn, sea, forest, balloons)

if __name__ == "__main__":
    main()
