"""What a person is told of their photos while masks are taken off."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from unveilify.core.pictures import read
from unveilify.core.records import Image
from unveilify.core.words import say
from unveilify.unmask.references import Reference, best
from unveilify.unmask.remove import Removal
from unveilify.unmask.unmasker import Unmasker


@dataclass
class People:
    """The photos of people by their paths, each looked at once; ``pictures`` are those that were read already."""

    unmasker: Unmasker
    pictures: Mapping[Path, Image]
    _known: dict[tuple[Path, ...], tuple[Reference, ...]] = field(default_factory=dict)

    def of(self, photos: tuple[Path, ...]) -> tuple[Reference, ...]:
        """What is known by these photos; what speaks against one is said, once.

        Raises:
            UserError: one cannot be read, or shows no face.
        """
        if photos not in self._known:
            known = self.unmasker.know([self.pictures[p] if p in self.pictures else read(p) for p in photos])
            taken = best(known, several=True)
            for path, reference in zip(photos, known, strict=True):
                if reference.other:
                    say(
                        f"{path} shows another person than the rest: it is used for another face of a photo, or not at all."
                    )
                if reference.doubt:
                    used = any(reference is one for one in taken)
                    say(f"{path} {reference.doubt}: {'it is used all the same' if used else 'it is not used'}.")
            self._known = {photos: known}  # of a folder each person's photos come one after the other
        return self._known[photos]


def of_faces(photo: Path, removal: Removal, drawn: bool) -> Iterator[str]:
    """What became of the faces of a photo, a sentence each."""
    worn = [face for face in removal.faces if face.worn]
    if not worn:
        what = "The hole lies on no face in" if drawn else "No mask was found on the face in"
        yield f"{what} {photo}, so it is left as it is."
    if removal.found > 1:
        who = ", ".join(str(number) for number in removal.numbers) or "none"
        yield f"{removal.found} faces are in {photo}; done, counted from the most prominent: {who} (--face takes one alone)."
    if any(face.below for face in worn):
        yield f"The mask in {photo} reaches farther down than a face is looked at, and what lies there stays."
