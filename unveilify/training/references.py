"""Photos of the person, made by machine from the target itself, for people of whom there is only one photo.

The face is turned as a surface, its expression moved, its light changed; `augment` then gives it another camera. What is
turned away in it is lost, as in a real photo. What is drawn depends on (seed, position in the training) alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unveilify.core import mesh
from unveilify.models.contract import Batch
from unveilify.models.layers.blank import blank
from unveilify.models.layers.hole import averaged
from unveilify.models.layers.warp import resize, sampled

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


def invent(batch: Batch, seed: int, position: int, share: float = 0.0) -> Batch:
    """The batch with a made reference as the first identity image where there is none, and for a ``share`` of the others.

    ``position`` is that of its first sample in the whole training. Where no mesh is known nothing is made.
    """
    assert batch.unmasked is not None
    if batch.unmasked_landmarks is None or batch.identity_landmarks is None:
        return batch
    meshes = batch.unmasked_landmarks.double().cpu().numpy()
    known = np.isfinite(meshes).all((1, 2))
    views: dict[int, View] = {}
    for i, given in enumerate(meshes):
        rng = np.random.default_rng([_STREAM, seed, position + i])
        if (rng.random() < share or batch.real[i] == 0) and known[i]:
            views[i] = view(given, rng)
    if not views:
        return batch
    which = torch.tensor(list(views), device=batch.identity.device)
    own, other = (batch.unmasked[(which + further) % len(meshes)].float() for further in (0, 1))
    identity, landmarks, real = batch.identity.clone(), batch.identity_landmarks.clone(), batch.real.clone()
    identity[which] = taken(own, other, meshes[list(views)], list(views.values()))[:, None].to(identity)
    landmarks[which] = torch.from_numpy(np.stack([one.found for one in views.values()]))[:, None].to(landmarks)
    real[which] = 1
    return replace(batch, identity=identity, identity_landmarks=landmarks, real=real)


@dataclass(frozen=True, slots=True)
class View:
    """Another pose of a face: its mesh (468, 3) there, the mesh as a backend finds it, and the gains of its light."""

    turned: Array
    found: Array
    gains: Array


def view(points: Array, rng: np.random.Generator) -> View:
    """Another pose, expression and light for a face with this mesh, in shares of the side."""
    turned = level(turn(points + express(points, rng), rng))
    gains = relight(mesh.normals(turned), rng)
    found = turned + JITTER * rng.normal(size=(1, 3)) + JITTER / 2 * rng.normal(size=turned.shape)
    return View(turned, found, gains)


def taken(pictures: Tensor, elsewhere: Tensor, points: Array, views: Sequence[View]) -> Tensor:
    """Other photos of faces (N, 3, S, S) in [-1, 1] with meshes (N, 468, 3), as their views say.

    Hair and neck follow the face; farther from it ``elsewhere`` is seen, for other photos are taken in other places.
    """
    values = np.concatenate([points[..., :2], np.stack([one.gains for one in views])], -1)
    maps, seen = mesh.draw(np.stack([one.turned for one in views]), values, GRID)
    there = torch.from_numpy(seen)[:, None].to(pictures)
    field = torch.from_numpy(maps).permute(0, 3, 1, 2).to(pictures)
    here = _places(field)
    # Where to look is drawn as how far away that is: around the mesh it goes on smoothly, and so does the light.
    whole = blank(torch.cat([field[:, :2] - here, field[:, 2:]], 1) * there, 1 - there)
    near = averaged(there, 4).clamp(max=0.2) * 5
    fine = resize(torch.cat([whole, near], 1), pictures.shape[-1])
    places = (_places(fine) + fine[:, :2]).permute(0, 2, 3, 1)
    lit = ((sampled(pictures, 2 * places - 1) + 1) * fine[:, 2:5] - 1).clamp(-1, 1)
    return elsewhere + fine[:, 5:] * (lit - elsewhere)


def _places(like: Tensor) -> Tensor:
    """Where each pixel of (N, C, s, s) is: x and y, (2, s, s), in shares of the side."""
    steps = (torch.arange(like.shape[-1], device=like.device) + 0.5) / like.shape[-1]
    return torch.stack(torch.meshgrid(steps, steps, indexing="xy"))


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
