"""Take masks off, from Python as from the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pillow

from unveilify.core.engine.device import pick
from unveilify.core.errors import UserError
from unveilify.core.pictures import to_image
from unveilify.core.records import Image
from unveilify.faces.find import Backend
from unveilify.models.store import load
from unveilify.models.system import NetworkSystem
from unveilify.unmask.any_way import AnyWay
from unveilify.unmask.files import network_of
from unveilify.unmask.remove import Reference, Removal, references, remove

Picture = Image | Pillow.Image | str | Path


@dataclass(frozen=True)
class Unmasker:
    """A network that takes masks off, and what finds the faces for it. ``model`` is the network's name."""

    model: str
    system: NetworkSystem
    finder: Backend

    @classmethod
    def load(
        cls, network: str | Path | None = None, *, device: str = "auto", landmarks: str = "mediapipe"
    ) -> "Unmasker":
        """Read a network: of a training run, of a file, or the one that comes with the package.

        Args:
            network: a run directory of `unveilify train`, a network file, or the name of one that comes with the
                package; None: ``unveilify_place``.
            device: cpu, cuda, cuda:1 …; ``auto`` takes a GPU where there is one.
            landmarks: landmark backends, in the order in which they are asked.

        Raises:
            UserError: no such network or device, or one that must be told where the mask is.
        """
        stored = load(network_of(network))
        system = NetworkSystem.of(stored, pick(device))
        if system.told:
            raise UserError(
                f"'{stored.model}' must be told where the mask is: take the --run of a network that finds it."
            )
        return cls(stored.model, system, AnyWay.load(landmarks, device))

    def know(self, identity: Sequence[Picture]) -> tuple[Reference, ...]:
        """Photos of a person with their faces found, for any number of photos to be unmasked.

        Raises:
            UserError: one of them cannot be read, or shows no face.
        """
        return references([to_image(picture) for picture in identity], self.finder)

    def remove(self, image: Picture, identity: Sequence[Picture | Reference] = ()) -> Removal:
        """Take the mask off the most prominent face of a photo; the result is a plausible guess.

        Args:
            image: RGB bytes (H, W, 3), a Pillow picture, or a file.
            identity: other photos of the person, or what `know` made of them. Without one the mouth is nobody's.

        Raises:
            UserError: a picture cannot be read, or shows no face.
        """
        known = [one if isinstance(one, Reference) else self.know([one])[0] for one in identity]
        return remove(to_image(image), known, self.system, self.finder)
