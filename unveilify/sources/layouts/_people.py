"""Invented people: what is drawn once per person, and what changes from one of their photos to the next."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unveilify.sources.layouts._portrait import Floats

SHAPE, LOOKS, VIEW = 0.7, 0.7, 0.7
"""Strengths. Weaker, everybody is a sister; stronger, faces are caricatures; stronger views hide who it is."""
LIMIT = 1.6
"""Draws are cut at so many sigmas, so that no warp folds over."""


@dataclass(frozen=True, slots=True)
class Move:
    """A smooth local change of the face, in the face frame (`_portrait.EYE_DISTANCE`): one sigma's worth.

    A point q near ``centre`` (u, v) moves by w·(linear·(q − centre) + shift), w a Gaussian with the two ``spread``s.
    ``linear`` is (du/du, du/dv, dv/du, dv/dv). A ``mirrored`` move happens on both sides of the face.
    """

    name: str
    centre: tuple[float, float]
    spread: tuple[float, float]
    linear: tuple[float, float, float, float] = (0, 0, 0, 0)
    shift: tuple[float, float] = (0, 0)
    mirrored: bool = False


MOVES = (
    Move("cheekbones apart", (0.95, 0.35), (0.5, 0.7), shift=(0.09, 0), mirrored=True),
    Move("jaw wide", (0.8, 1.1), (0.45, 0.45), shift=(0.085, 0), mirrored=True),
    Move("chin wide", (0.4, 1.65), (0.3, 0.35), shift=(0.08, 0), mirrored=True),
    Move("chin long", (0.03, 1.75), (0.9, 0.5), shift=(0, 0.12)),
    Move("face long", (0, 0.5), (1.5, 1.3), linear=(0, 0, 0, 0.07)),
    Move("cheeks full", (0.65, 0.85), (0.35, 0.35), shift=(0.07, 0), mirrored=True),
    Move("nose wide", (0.04, 0.6), (0.3, 0.2), linear=(0.32, 0, 0, 0)),
    Move("nose long", (0.04, 0.62), (0.35, 0.25), shift=(0, 0.08)),
    Move("nose bridge wide", (0.02, 0.15), (0.2, 0.25), linear=(0.25, 0, 0, 0)),
    Move("nose crooked", (0.04, 0.5), (0.25, 0.3), shift=(0.025, 0)),
    Move("mouth wide", (0.02, 0.98), (0.6, 0.25), linear=(0.15, 0, 0, 0)),
    Move("mouth low", (0.02, 1.0), (0.6, 0.3), shift=(0, 0.07)),
    Move("lips full", (0.02, 1.02), (0.5, 0.2), linear=(0, 0, 0, 0.25)),
    Move("eyes large", (0.5, 0), (0.3, 0.2), linear=(0.16, 0, 0, 0.16), mirrored=True),
    Move("eyes open", (0.5, 0), (0.3, 0.15), linear=(0, 0, 0, 0.18), mirrored=True),
    Move("eyes apart", (0.5, 0), (0.45, 0.35), shift=(0.05, 0), mirrored=True),
    Move("eyes slanted", (0.5, 0), (0.32, 0.22), linear=(0, 0.08, -0.11, 0), mirrored=True),
    Move("brows high", (0.5, -0.28), (0.5, 0.16), shift=(0, -0.06), mirrored=True),
    Move("brows slanted", (0.5, -0.28), (0.4, 0.16), linear=(0, 0, -0.12, 0), mirrored=True),
    Move("forehead high", (0, -0.75), (1.2, 0.4), shift=(0, -0.11)),
    Move("hair high", (0, -1.5), (1.6, 0.6), shift=(0, -0.12)),
    Move("hair wide", (1.45, -0.2), (0.5, 0.8), shift=(0.14, 0), mirrored=True),
    Move("hair long", (1.35, 0.45), (0.5, 0.4), shift=(0, 0.14), mirrored=True),
    Move("neck wide", (0.75, 2.0), (0.35, 0.3), shift=(0.06, 0), mirrored=True),
)
SMILE = Move("mouth corners up", (0.48, 0.93), (0.25, 0.2), shift=(0.03, -0.05), mirrored=True)
FROWN = Move("brows up", (0.5, -0.28), (0.45, 0.15), shift=(0, -0.05), mirrored=True)

HAIR = ((0.10, 0.085, 0.08), (0.2, 0.14, 0.1), (0.36, 0.25, 0.17), (0.42, 0.22, 0.13), (0.66, 0.53, 0.36))
"""Mean colours: black, dark brown, brown, auburn, blond."""
GREY = (0.62, 0.62, 0.63)
IRISES = ((0.24, 0.15, 0.09), (0.32, 0.22, 0.12), (0.28, 0.33, 0.22), (0.30, 0.40, 0.48), (0.38, 0.42, 0.45))


@dataclass(frozen=True)
class Person:
    """Who it is. ``shape`` holds one coefficient per `MOVES`; colours are RGB 0…1; the rest is 0…1 unless named."""

    shape: npt.NDArray[np.float64]
    flipped: bool
    melanin: float
    undertone: float
    hair: Floats
    hair_contrast: float
    iris: Floats
    brows: float
    lips: float
    beard: float
    age: float
    moles: npt.NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """How they were photographed: angles in radians, ``scale`` eye distances per picture side, colours RGB 0…1."""

    yaw: float
    pitch: float
    roll: float
    scale: float
    shift: tuple[float, float]
    smile: float
    brows: float
    closed: float
    light: tuple[float, float]
    exposure: float
    warmth: float
    backdrop: Floats
    suit: Floats
    grain: float
    blur: float
    seed: int


def invent(rng: np.random.Generator, *, male: bool, age: int) -> Person:
    """Draw a person; men get more beard, brow and jaw, the old get grey hair and more relief."""
    shape = _normal(rng, len(MOVES)) * SHAPE
    names = [move.name for move in MOVES]
    if male:
        for name, more in (("jaw wide", 0.5), ("hair wide", -1.1), ("hair long", -1.2), ("lips full", -0.4)):
            shape[names.index(name)] += more * SHAPE
    melanin = float(rng.beta(1.1, 1.6))
    pick = rng.uniform(0, len(HAIR) - 1) * (1 - melanin) ** 0.6
    low = int(pick)
    hair = np.array(HAIR[low]) + (pick - low) * (np.array(HAIR[min(low + 1, len(HAIR) - 1)]) - np.array(HAIR[low]))
    grey = float(np.clip((age - 45) / 28 + rng.normal(0, 0.15), 0, 0.95))
    iris = IRISES[0] if melanin > 0.5 else IRISES[rng.integers(len(IRISES))]
    return Person(
        shape=shape,
        flipped=bool(rng.integers(2)),
        melanin=melanin * LOOKS / 0.7,
        undertone=float(_normal(rng)) * LOOKS,
        hair=np.asarray(hair + grey * (np.array(GREY) - hair), np.float32),
        hair_contrast=float(rng.uniform(0.75, 1.15)),
        iris=np.asarray(iris, np.float32),
        brows=float(np.clip(rng.uniform(0.1, 0.75) + 0.3 * male, 0, 1)) * LOOKS / 0.7,
        lips=float(_normal(rng)) * LOOKS * (0.4 if male else 1),
        beard=float(rng.choice([0.15, 0.35, 0.7])) * male,
        age=float(np.clip((age - 25) / 50, 0, 1)),
        moles=rng.uniform((-0.9, -0.1, 0.012), (0.9, 1.6, 0.03), (int(rng.integers(0, 4)), 3)),
    )


def pose(rng: np.random.Generator) -> View:
    """Draw a view: pose, expression, light, backdrop, clothes."""
    yaw, pitch, roll, smile, brows, warmth = _normal(rng, 6) * VIEW
    closed = float(np.clip(rng.uniform(-0.4, 1.4), 0, 1))
    hue = rng.uniform(0.2, 0.75) + rng.uniform(-0.08, 0.08, (2, 3))
    return View(
        yaw=0.28 * yaw,
        pitch=0.16 * pitch,
        roll=0.12 * roll,
        scale=float(rng.uniform(4.6, 5.4)),
        shift=(float(rng.uniform(-0.25, 0.25)), float(rng.uniform(-0.15, 0.15))),
        smile=float(smile - closed),
        brows=float(brows),
        closed=closed,
        light=(float(rng.uniform(-1, 1)) * 0.5 * VIEW, float(rng.uniform(-1, 0.3)) * 0.3 * VIEW),
        exposure=float(np.exp(0.2 * VIEW * _normal(rng))),
        warmth=0.08 * float(warmth),
        backdrop=np.asarray(hue, np.float32),
        suit=np.asarray(rng.uniform(0.1, 0.6) + rng.uniform(-0.12, 0.12, 3), np.float32).clip(0, 1),
        grain=float(rng.uniform(0.004, 0.014)),
        blur=float(rng.choice([0.0, 0.0, 0.5, 0.8])),
        seed=int(rng.integers(2**31)),
    )


def _normal(rng: np.random.Generator, count: int | None = None) -> npt.NDArray[np.float64]:
    return np.clip(rng.normal(size=count), -LIMIT, LIMIT)
