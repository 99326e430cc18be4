"""The systems that are rows of the table: the truth, untrained baselines, trained networks and controls, others' files."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch

from unveilify.core import pictures
from unveilify.core.batch import Batch, to_floats
from unveilify.core.config import build
from unveilify.core.errors import UserError
from unveilify.core.paths import network_file
from unveilify.core.records import Image
from unveilify.core.sample import resize
from unveilify.core.stamps import BEGUN, STAMP
from unveilify.core.storage import canonical_json, followed, read_file, read_json, sha256_bytes, sha256_file
from unveilify.evaluation.samples import Split, spread
from unveilify.models import store
from unveilify.models.contract import Fits, Output, Sized, plugin
from unveilify.models.system import Kind, NetworkSystem
from unveilify.shards.reader import ShardSet
from unveilify.training.state import checkpoints, position_of
from unveilify.unmask.settle import settled

CONTROLS = ("stranger", "alone")
"""Kinds of rows that are a trained network with other identity images than it should have."""


@dataclass(frozen=True)
class Truth:
    """The unmasked pictures themselves: the ceiling that identity can reach."""

    label: str = "truth"
    kind: Kind = "truth"
    identity: str = "truth"

    def predict(self, batch: Batch) -> Output:
        """The unmasked pictures."""
        assert batch.unmasked is not None
        return Output(batch.unmasked)


@dataclass(frozen=True)
class Given:
    """The identity images themselves: what copying the person's photo as it is would score."""

    label: str = "identity image"
    kind: Kind = "truth"
    identity: str = "given"

    def predict(self, batch: Batch) -> Output:
        """The first identity image of each; where there is none, the masked picture."""
        return Output(torch.where(batch.real.view(-1, 1, 1, 1) > 0, batch.identity[:, 0], batch.masked))


@dataclass(frozen=True)
class Untrained:
    """An untrained model plugin; one that learns statistics looks once at the training split."""

    label: str
    size_px: int
    device: str
    shards: ShardSet
    fit_triplets: int
    kind: Kind = "rival"

    def __post_init__(self) -> None:
        if plugin(self.label).TRAINS:
            raise UserError(f"'{self.label}' has to be trained: run `unveilify train --model {self.label}` first.")

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
        network = plugin(self.label).Network(self.config)
        if isinstance(network, Fits):
            network.fit(training_batches(self.shards.split("train"), self.size_px, self.fit_triplets))
        return network.eval().to(self.device)

    @property
    def told(self) -> bool:
        """Whether it must be told where the mask is."""
        return plugin(self.label).USES_HOLE

    @property
    def system(self) -> NetworkSystem:
        """The network at the size of the comparison."""
        return NetworkSystem(self.network, self.size_px, self.told)

    def predict(self, batch: Batch) -> Output:
        """Outputs of the network."""
        return self.system.predict(settled(batch, self.system))


@dataclass(frozen=True)
class Trained:
    """The best network of a run directory, or of a file.

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
        return sha256_bytes(canonical_json([sha256_file(network_file(self.run_dir)), self.given]))

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
        told = self.stored.meta.get("seen")
        return f"{seen or (told if isinstance(told, int) else 0):,}{whole} triplets"

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
        stored = store.load(network_file(self.run_dir))
        stored.network.to(self.device)
        return stored

    @property
    def told(self) -> bool:
        """Whether it must be told where the mask is."""
        return plugin(self.stored.model).USES_HOLE

    @property
    def system(self) -> NetworkSystem:
        """The network at its own size."""
        return NetworkSystem.of(self.stored, self.device)

    def predict(self, batch: Batch) -> Output:
        """Outputs of the network."""
        shown = {"own": lambda: batch, "stranger": batch.with_strangers, "alone": batch.without_identity}
        return self.system.predict(settled(shown[self.given](), self.system))


@dataclass(frozen=True)
class Predictions:
    """Somebody else's outputs: a folder with one ``<key>.png`` (or .jpg, .jpeg, .webp) per sample."""

    folder: Path
    kind: Kind = "predictions"

    @property
    def label(self) -> str:
        """The folder's name."""
        return followed(self.folder).name

    @cached_property
    def identity(self) -> str:
        """Hash over the names and bytes of all pictures in the folder."""
        files = sorted(p for p in self.folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
        return sha256_bytes(canonical_json([[p.name, sha256_file(p)] for p in files]))

    def check(self, keys: Iterable[str]) -> None:
        """Raise `UserError` unless there is a file for each of the keys; what is in it is read later."""
        for key in keys:
            self._path(key)

    def predict(self, batch: Batch) -> Output:
        """The pictures, scaled to the batch's size.

        Raises:
            UserError: one is missing, damaged or not square.
        """
        return Output(to_floats([resize(self._read(key), batch.size_px) for key in batch.keys]))

    def _path(self, key: str) -> Path:
        found = [path for ending in SUFFIXES if (path := self.folder / f"{key}{ending}").is_file()]
        if not found:
            raise UserError(
                f"There is no {key}.png in {self.folder}: it must hold one picture per test triplet, named by its key."
            )
        return found[0]

    def _read(self, key: str) -> Image:
        path = self._path(key)
        try:
            picture = pictures.decode(read_file(path))
        except (pictures.PictureError, OSError) as error:
            raise UserError(f"{path} cannot be read ({error}): write it again.") from None
        if picture.shape[0] != picture.shape[1]:
            raise UserError(f"{path} is {picture.shape[1]} x {picture.shape[0]} pixels; outputs must be square.")
        return picture


SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def config_of(run_dir: Path) -> Sized:
    """The config of a run's best network."""
    about, _ = store.read(network_file(run_dir))
    return build(plugin(about["model"]).Config, about["config"])


def training_batches(split: Split, size_px: int, most: int, batch_size: int = 32) -> Iterator[Batch]:
    """Training samples, spread evenly over the split, with their truth."""
    indices = spread(len(split), most)
    for begin in range(0, len(indices), batch_size):
        yield Batch.of([split.read(i).sized(size_px) for i in indices[begin : begin + batch_size]])
