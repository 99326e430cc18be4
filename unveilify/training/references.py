"""Photos of the person, made by machine from the target itself, for people of whom there is only one photo.

The face is turned as a surface, its expression moved, its light changed; `augment` then gives it another camera. What is
turned away in it is lost, as in a real photo. What is drawn depends on (seed, position in the training) alone.
"""

from dataclasses import replace
from functools import lru_cache
from importlib.resources import files

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from unveilify.core import mesh
from unveilify.models.contract import Batch
from unveilify.models.layers.blank import blank

YAW, PITCH = 0.40, 0.20
"""Standard deviations of the turn, in radians; twice that is the most."""
RELIT, TINT = 0.35, 0.06
"""Standard deviations of the light's direction and of its colour, as gains."""
JITTER = 0.004
"""Standard deviation of what a landmark backend is wrong by, in shares of the crop's side."""
_STREAM = 0x7EF5

GRID = 64
"""Side at which the turned mesh is drawn; what it says is smooth."""

Array = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.float32]


def invent(batch: Batch, seed: int, position: int, share: float = 0.0) -> Batch:
    """The batch with a made reference as the first identity image where there is none, and for a ``share`` of the others.

    ``position`` is that of its first sample in the whole training. Where no mesh is known nothing is made.
    """
    assert batch.unmasked is not None
    if batch.unmasked_landmarks is None or batch.identity_landmarks is None:
        return batch
    meshes = batch.unmasked_landmarks.double().cpu().numpy()
    identity, landmarks, real = batch.identity.clone(), batch.identity_landmarks.clone(), batch.real.clone()
    for i, given in enumerate(meshes):
        rng = np.random.default_rng([_STREAM, seed, position + i])
        wanted = rng.random() < share or real[i] == 0
        if not wanted or not np.isfinite(given).all():
            continue
        own, other = (_pixels(batch.unmasked[k]) for k in (i, (i + 1) % len(meshes)))
        picture, turned = reference(own, given, other, rng)
        identity[i] = torch.from_numpy(picture).permute(2, 0, 1).to(identity)
        landmarks[i] = torch.from_numpy(turned).to(landmarks)
        real[i] = 1
    return replace(batch, identity=identity, identity_landmarks=landmarks, real=real)


def reference(picture: Pixels, points: Array, elsewhere: Pixels, rng: np.random.Generator) -> tuple[Pixels, Array]:
    """Another photo of a face (S, S, 3) in [-1, 1] with mesh (468, 3) in shares of the side, and its mesh as found.

    Hair and neck follow the face; farther from it ``elsewhere`` is seen, for other photos are taken in other places.
    """
    size = picture.shape[0]
    moved = points + express(points, rng)
    turned = level(turn(moved, rng))
    here = (np.stack(np.meshgrid(np.arange(GRID), np.arange(GRID)), 2) + 0.5) / GRID
    values = np.column_stack([points[:, :2], relight(mesh.normals(turned), rng)])
    maps, seen = mesh.draw(turned, values, GRID)
    maps[..., :2] -= here
    field = torch.from_numpy(np.where(seen[..., None], maps, 0)).permute(2, 0, 1)[None].float()
    whole = blank(field, torch.from_numpy(~seen)[None, None].float())
    near = F.avg_pool2d(torch.from_numpy(seen)[None, None].float(), 9, 1, 4).clamp(max=0.2) * 5
    fine = F.interpolate(torch.cat([whole, near], 1), size=(size, size), mode="bilinear")[0].permute(1, 2, 0).numpy()
    places = (np.stack(np.meshgrid(np.arange(size), np.arange(size)), 2) + 0.5) / size + fine[..., :2]
    x, y = (np.ascontiguousarray(places[..., k] * size - 0.5, np.float32) for k in range(2))
    there = np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    lit = ((there + 1) * fine[..., 2:5] - 1).clip(-1, 1)
    found = turned + JITTER * rng.normal(size=(1, 3)) + JITTER / 2 * rng.normal(size=turned.shape)
    return np.asarray(elsewhere + fine[..., 5:] * (lit - elsewhere), np.float32), found


def _pixels(picture: torch.Tensor) -> Pixels:
    return np.asarray(picture.permute(1, 2, 0).float().cpu().numpy(), np.float32)


def express(points: Array, rng: np.random.Generator) -> Array:
    """A change of expression (468, 3): neutral to smile, or part of the way back, with what varies between people."""
    moves = expressions()
    weights = np.concatenate([rng.uniform(-0.8, 1.2, 1), rng.normal(0, 0.7, len(moves) - 1)])
    there = mesh.rigid(mesh.surface().mean, points)
    move = there.scale * np.tensordot(weights, moves, 1) @ there.rotation.T
    return np.asarray(move, np.float64)


@lru_cache(maxsize=1)
def expressions() -> Array:
    """(5, 468, 3) in interocular distances, of the mean face: mean move from neutral to smile of 65 people of the Face
    Research Lab London Set (CC BY 4.0), and its first four principal components at one standard deviation."""
    with files("unveilify.training").joinpath("expressions.npz").open("rb") as file:
        return np.asarray(np.load(file, allow_pickle=False)["moves"], np.float64)


def turn(points: Array, rng: np.random.Generator) -> Array:
    """The face turned and tilted about its middle."""
    yaw, pitch = (np.clip(rng.normal(0, s), -2 * s, 2 * s) for s in (YAW, PITCH))
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    middle = points.mean(0)
    return np.asarray((points - middle) @ (about_x @ about_y).T + middle)


def level(points: Array) -> Array:
    """The mesh moved so that its eyes lie where those of every face crop lie."""
    left, right = points[[33, 133]].mean(0), points[[263, 362]].mean(0)
    scale = 0.25 / max(float(np.hypot(*(right - left)[:2])), 0.05)
    middle = (left + right) / 2
    return np.asarray((points - middle) * scale + [0.5, 0.4, 0.0])


def relight(normals: Array, rng: np.random.Generator) -> Array:
    """Gains (468, 3) of another lamp: first-order, by the surface's normals, with a tint of its own."""
    towards, tint = rng.normal(0, RELIT, 3) * [1.0, 0.7, 0.3], rng.normal(0, TINT, (3, 3))
    gain = 1 + (normals @ towards)[:, None] + normals @ tint
    return np.asarray(gain.clip(0.4, 1.7))
