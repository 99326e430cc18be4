"""Take masks off, from Python as from the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pillow

from unveilify.core.engine.device import pick
from unveilify.core.errors import UserError
from unveilify.core.pictures import to_image
from unveilify.core.records import Image
from unveilify.models.store import load
from unveilify.models.system import NetworkSystem
from unveilify.perception.recogniser import Recogniser, for_measuring
from unveilify.unmask.any_way import AnyWay
from unveilify.unmask.files import network_of
from unveilify.unmask.guided import guided, named
from unveilify.unmask.references import Reference, references
from unveilify.unmask.remove import How, Removal, remove
from unveilify.weights import Missing

Picture = Image | Pillow.Image | str | Path


@dataclass(frozen=True)
class Unmasker:
    """A network that takes masks off, what finds the faces for it, and, where there is one, who tells people apart.

    ``model`` is the network's name.
    """

    model: str
    system: NetworkSystem
    finder: AnyWay
    recogniser: Recogniser | None = None

    @classmethod
    def load(
        cls,
        network: str | Path | None = None,
        *,
        system: str | None = None,
        device: str = "auto",
        landmarks: str = "mediapipe",
    ) -> "Unmasker":
        """Read a network: of a training run, of a file, or the one that comes with the package.

        Args:
            network: a run directory of `unveilify train`, a network file, or the name of one that comes with the
                package; None: ``unveilify_plus``.
            system: in place of a network's file, the name of one that needs none, as ``telea``.
            device: cpu, cuda, cuda:1 …; ``auto`` takes a GPU where there is one.
            landmarks: landmark backends, in the order in which they are asked.

        Raises:
            UserError: no such network or device.
        """
        if system is None:
            stored = load(network_of(network))
            model, chosen = stored.model, NetworkSystem.of(stored, pick(device))
        else:
            model, chosen = named(system, device)
        return cls(model, guided(chosen, device), AnyWay.load(landmarks, device), _recogniser(device))

    def know(self, identity: Sequence[Picture]) -> tuple[Reference, ...]:
        """Photos of a person with their faces found, for any number of photos to be unmasked.

        What speaks against one is said in its ``doubt``.

        Raises:
            UserError: one of them cannot be read, or shows no face.
        """
        return references(
            [to_image(picture) for picture in identity],
            self.finder,
            mask_finder=self.finder.mask_finder,
            recogniser=self.recogniser,
        )

    def remove(
        self,
        image: Picture,
        identity: Sequence[Picture | Reference] = (),
        *,
        face: int | None = None,
        hole: Image | None = None,
        strength: float = 1.0,
    ) -> Removal:
        """Take the masks off a photo, of every face that wears one; the result is a plausible guess.

        Args:
            image: RGB bytes (H, W, 3), a Pillow picture, or a file.
            identity: other photos of the person, or what `know` made of them. Without one the mouth is nobody's. Those that
                wear a mask are left out, and those of which `know` has another doubt where there are better ones.
            face: only this one, counted from 1, the most prominent first.
            hole: what is to be replaced (H, W), 0…255, in place of the mask that is found.
            strength: how far the result covers the photo, 0…1.

        Raises:
            UserError: a picture cannot be read, shows no face, or has another size than its hole.
        """
        photo = to_image(image)
        if hole is not None and hole.shape != photo.shape[:2]:
            raise UserError(
                f"The hole is {hole.shape[1]} x {hole.shape[0]} pixels and the photo {photo.shape[1]} x {photo.shape[0]}: "
                "draw it over the photo itself."
            )
        pictures = [one for one in identity if not isinstance(one, Reference)]
        known = [*(one for one in identity if isinstance(one, Reference)), *self.know(pictures)]
        how = How(everyone=True, face=face, hole=hole, strength=strength, recogniser=self.recogniser)
        return remove(photo, known, self.system, self.finder, how)


def _recogniser(device: str) -> Recogniser | None:
    """Who tells people apart, where its weights are here."""
    try:
        return for_measuring(str(pick(device)))
    except Missing:
        return None
