"""What can be a row of the table: something that paints outputs for samples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch

from unveilify.core import pictures
from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.core.records import Image
from unveilify.core.stamps import BEGUN, STAMP
from unveilify.core.storage import canonical_json, read_file, read_json, sha256_bytes, sha256_file
from unveilify.evaluation.samples import Sample, Split, landmarks_of, resize, spread
from unveilify.models.parts import store
from unveilify.models.parts.contract import Batch, Fits, Output, Sized, plugin
from unveilify.models.parts.pictures import to_bytes
from unveilify.models.parts.points import stacked
from unveilify.shards.reader import ShardSet
from unveilify.training.config import BEST
from unveilify.training.state import checkpoints, position_of

Kind = Literal["truth", "rival", "trained", "stranger", "alone", "predictions"]
CONTROLS = ("stranger", "alone")
"""Kinds of rows that are a trained network with other identity images than it should have."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Outputs (S, S, 3) for samples, and where the network took the mask to be, (S, S) in 0…255, if it says so."""

    pictures: list[Image]
    found: list[Image] | None = None


class Subject(Protocol):
    """One row: ``label`` for people, ``kind``, and ``identity``, a hash of all that its outputs depend on."""

    @property
    def label(self) -> str: ...  # noqa: D102

    @property
    def kind(self) -> Kind: ...  # noqa: D102

    @property
    def identity(self) -> str: ...  # noqa: D102

    def paint(self, samples: Sequence[Sample]) -> list[Image]:
        """An output (S, S, 3) for every sample, as bytes, at the samples' size."""


@dataclass(frozen=True)
class Truth:
    """The unmasked pictures themselves: the ceiling that identity can reach."""

    label: str = "truth"
    kind: Kind = "truth"
    identity: str = "truth"

    def paint(self, samples: Sequence[Sample]) -> list[Image]:
        """The unmasked pictures."""
        return [sample.unmasked for sample in samples]


@dataclass(frozen=True)
class Rival:
    """An untrained model plugin; one that learns statistics looks once at the training split."""

    label: str
    size_px: int
    device: str
    shards: ShardSet
    fit_triplets: int
    kind: Kind = "rival"

    @property
    def identity(self) -> str:
        """Name, size, and what it was fitted on."""
        fitted = [self.shards.hash, self.fit_triplets] if issubclass(plugin(self.label).Network, Fits) else []
        return sha256_bytes(canonical_json([self.label, self.size_px, *fitted]))

    @property
    def config(self) -> Sized:
        """The model's own config at the size of the comparison."""
        return plugin(self.label).Config(size_px=self.size_px)

    @cached_property
    def network(self) -> torch.nn.Module:
        """The network, fitted if it is one that fits, on the device."""
        module = plugin(self.label)
        if module.TRAINS:
            raise UserError(f"'{self.label}' has to be trained: run `unveilify train --model {self.label}` first.")
        network = module.Network(self.config)
        if isinstance(network, Fits):
            network.fit(_batches(self.shards.split("train"), self.size_px, self.fit_triplets))
        return network.eval().to(self.device)

    def paint(self, samples: Sequence[Sample]) -> list[Image]:
        """Outputs of the network."""
        return self.show(samples).pictures

    def show(self, samples: Sequence[Sample]) -> Shown:
        """Outputs of the network, and what it found."""
        return run(self.network, samples, self.size_px, self.device, uses_hole=plugin(self.label).USES_HOLE)


@dataclass(frozen=True)
class Trained:
    """The best network of a run directory.

    ``given``: the person's own photos, or, as a control, another person's (``stranger``) or none (``alone``).
    """

    label: str
    run_dir: Path
    device: str
    given: Literal["own", "stranger", "alone"] = "own"

    @property
    def kind(self) -> Kind:
        """Trained, or which control."""
        return "trained" if self.given == "own" else self.given

    @cached_property
    def identity(self) -> str:
        """Hash of the weights, and which identity images it is given."""
        return sha256_bytes(canonical_json([sha256_file(weights_of(self.run_dir)), self.given]))

    @property
    def data(self) -> str | None:
        """Hash of the shards that the run was trained on; empty if what says so is damaged, None if nothing does."""
        begun = self._begun
        return None if begun is None else str(begun.get("input", ""))

    @cached_property
    def unfinished(self) -> str:
        """How far a training is that is not finished, as ``12,000 of 60,000 triplets``; empty where it is.

        A network file without the run that made it says nothing, and counts as finished.
        """
        begun = self._begun
        if (self.run_dir / STAMP).is_file() or begun is None:
            return ""
        seen = position_of(checkpoints(self.run_dir)[-1]) if checkpoints(self.run_dir) else 0
        try:
            whole = f" of {int(begun['config']['samples']):,}"
        except (KeyError, TypeError, ValueError):
            whole = ""
        return f"{seen or int(self.stored.meta.get('seen', 0)):,}{whole} triplets"

    @cached_property
    def _begun(self) -> dict[str, Any] | None:
        """What the run says that it is: None where it says nothing, nothing in it where that is damaged."""
        path = self.run_dir / BEGUN
        if not path.is_file():
            return None
        try:
            found = read_json(path)
        except UserError:
            return {}
        return found if isinstance(found, dict) else {}

    @cached_property
    def stored(self) -> store.Stored:
        """The network as it was saved."""
        stored = store.load(weights_of(self.run_dir))
        stored.network.to(self.device)
        return stored

    def paint(self, samples: Sequence[Sample]) -> list[Image]:
        """Outputs of the network."""
        return self.show(samples).pictures

    def show(self, samples: Sequence[Sample]) -> Shown:
        """Outputs of the network, and what it found."""
        if self.given != "own":
            samples = [s.with_stranger() if self.given == "stranger" else s.alone() for s in samples]
        stored = self.stored
        uses_hole = plugin(stored.model).USES_HOLE
        return run(stored.network, samples, stored.config.size_px, self.device, uses_hole=uses_hole)


@dataclass(frozen=True)
class Predictions:
    """Somebody else's outputs: a folder with one ``<key>.png`` (or .jpg, .jpeg, .webp) per sample."""

    folder: Path
    kind: Kind = "predictions"

    @property
    def label(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @cached_property
    def identity(self) -> str:
        """Hash over the names and bytes of all pictures in the folder."""
        files = sorted(p for p in self.folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
        return sha256_bytes(canonical_json([[p.name, sha256_file(p)] for p in files]))

    def paint(self, samples: Sequence[Sample]) -> list[Image]:
        """The pictures, scaled to the samples' size.

        Raises:
            UserError: one is missing, damaged or not square.
        """
        return [self._one(sample) for sample in samples]

    def _one(self, sample: Sample) -> Image:
        found = [p for s in SUFFIXES if (p := self.folder / f"{sample.key}{s}").is_file()]
        if not found:
            raise UserError(
                f"There is no {sample.key}.png in {self.folder}: it must hold one picture per test triplet, "
                "named by its key."
            )
        try:
            picture = pictures.decode(read_file(found[0]))
        except (pictures.PictureError, OSError) as error:
            raise UserError(f"{found[0]} cannot be read ({error}): write it again.") from None
        if picture.shape[0] != picture.shape[1]:
            raise UserError(f"{found[0]} is {picture.shape[1]} x {picture.shape[0]} pixels; outputs must be square.")
        return resize(picture, sample.unmasked.shape[0])


SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def weights_of(run_dir: Path) -> Path:
    """The file of a run's best network, or `UserError` with what to do."""
    path = run_dir / BEST
    if not path.is_file():
        raise UserError(f"No trained network in {run_dir} (there is no {BEST}): run `unveilify train` first.")
    return path


def config_of(run_dir: Path) -> Sized:
    """The config of a run's best network."""
    about, _ = store.read(weights_of(run_dir))
    return build(plugin(about["model"]).Config, about["config"])


def batch_of(samples: Sequence[Sample], size_px: int, device: str, *, uses_hole: bool) -> Batch:
    """Samples as a `Batch` at ``size_px``; a network that must find the mask itself gets an empty hole.

    Where a sample has fewer identity images than the batch's most, the first repeats; with none, zeros
    (mid-grey) stand in and ``real`` is 0. Landmarks follow their pictures.
    """
    most = max([1, *(len(s.given) for s in samples)])
    grey = np.zeros((3, size_px, size_px), np.float32)
    given, given_landmarks = [], []
    for sample in samples:
        photos = [_floats(resize(p, size_px)) for p in sample.given] or [grey]
        given.append(np.stack((photos + [photos[0]] * most)[:most]))
        points = list(sample.given_landmarks) or [None]
        given_landmarks.append((points + [points[0]] * most)[:most])
    landmarks, identity_landmarks = stacked([s.landmarks for s in samples], given_landmarks)
    hole = np.stack([resize(s.alpha, size_px)[None] for s in samples]).astype(np.float32) / 255
    return Batch(
        masked=_stack([_floats(resize(s.masked, size_px)) for s in samples]),
        identity=_stack(given),
        real=torch.tensor([len(s.given) for s in samples], dtype=torch.int64),
        hole=torch.from_numpy(hole if uses_hole else np.zeros_like(hole)),
        landmarks=landmarks,
        identity_landmarks=identity_landmarks,
    ).to(device)


def show(subject: Subject, samples: Sequence[Sample]) -> Shown:
    """What a subject paints and, of a network that looks for it, where it found the mask."""
    return subject.show(samples) if isinstance(subject, Rival | Trained) else Shown(subject.paint(samples))


def run(network: torch.nn.Module, samples: Sequence[Sample], size_px: int, device: str, *, uses_hole: bool) -> Shown:
    """Outputs of a network as bytes, clamped and rounded, at the samples' size; what it found if it was not told."""
    with torch.inference_mode():
        output: Output = network(batch_of(samples, size_px, device, uses_hole=uses_hole))
    sides = [s.unmasked.shape[0] for s in samples]
    painted = [resize(p, side) for p, side in zip(to_bytes(output.clamped), sides, strict=True)]
    if output.alpha is None or uses_hole:
        return Shown(painted)
    alphas = np.rint(255 * output.alpha[:, 0].float().cpu().numpy()).astype(np.uint8)
    return Shown(painted, [resize(a, side) for a, side in zip(alphas, sides, strict=True)])


def _batches(split: Split, size_px: int, most: int, batch_size: int = 32) -> Iterator[Batch]:
    """Training triplets, spread evenly over the split, with their truth."""
    indices = spread(len(split), most)
    for begin in range(0, len(indices), batch_size):
        triplets = [split.read(i) for i in indices[begin : begin + batch_size]]
        rows = [landmarks_of(t) for t in triplets]
        landmarks, identity_landmarks = stacked([row[1] for row in rows], [row[2:] for row in rows])
        yield Batch(
            masked=_stack([_floats(resize(t.masked, size_px)) for t in triplets]),
            identity=_stack([np.stack([_floats(resize(p, size_px)) for p in t.identity]) for t in triplets]),
            real=torch.tensor([t.real for t in triplets], dtype=torch.int64),
            hole=_stack([resize(t.alpha, size_px)[None].astype(np.float32) / np.float32(255) for t in triplets]),
            unmasked=_stack([_floats(resize(t.unmasked, size_px)) for t in triplets]),
            landmarks=landmarks,
            identity_landmarks=identity_landmarks,
            unmasked_landmarks=stacked([row[0] for row in rows], [row[:1] for row in rows])[0],
        )


def _floats(image: Image) -> npt.NDArray[np.float32]:
    """(S, S, 3) bytes -> (3, S, S) in [-1, 1]."""
    return np.ascontiguousarray(image.transpose(2, 0, 1), np.float32) / np.float32(127.5) - np.float32(1)


def _stack(arrays: Sequence[npt.NDArray[np.float32]]) -> torch.Tensor:
    return torch.from_numpy(np.stack(arrays))
