"""What a person is told of their photos while masks are taken off."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from unveilify.core.errors import UserError
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

    def of(self, photos: tuple[Path, ...], *, strict: bool = False) -> tuple[Reference, ...]:
        """What is known by these photos; what speaks against one is said, once. One that cannot be used is left out, too.

        Raises:
            UserError: none can be read and shows a face, or, if ``strict``, not all of them.
        """
        if photos not in self._known:
            known = self._usable(photos, strict)
            taken = best(tuple(known.values()), several=True)
            for path, reference in known.items():
                if reference.other:
                    say(
                        f"{path} shows another person than the rest: it is used for another face of a photo, or not at all."
                    )
                if reference.doubt:
                    used = any(reference is one for one in taken)
                    say(f"{path} {reference.doubt}: {'it is used all the same' if used else 'it is not used'}.")
            self._known = {photos: tuple(known.values())}  # of a folder each person's photos come one after the other
        return self._known[photos]

    def _usable(self, photos: tuple[Path, ...], strict: bool) -> dict[Path, Reference]:
        try:
            return dict(zip(photos, self.unmasker.know([self._read(path) for path in photos]), strict=True))
        except UserError:
            if strict or len(photos) < 2:
                raise
        usable = []
        for path in photos:
            try:
                self.unmasker.know([self._read(path)])
                usable.append(path)
            except UserError as error:
                say(f"{path} is not used: {error}")
        if not usable:
            raise UserError(f"None of the {len(photos)} photos beside {photos[0]} can be used: give others.")
        return self._usable(tuple(usable), strict=True)

    def _read(self, path: Path) -> Image:
        return self.pictures[path] if path in self.pictures else read(path)


def of_faces(photo: Path, removal: Removal, drawn: bool, *, alone: str = "--face takes one alone") -> Iterator[str]:
    """What became of the faces of a photo, a sentence each; ``alone`` says how one is chosen."""
    worn = [face for face in removal.faces if face.worn]
    if not worn:
        what = "The hole lies on no face in" if drawn else "No mask was found on the face in"
        yield f"{what} {photo}, so it is left as it is."
    if removal.found > 1:
        who = ", ".join(str(number) for number in removal.numbers) or "none"
        yield f"{removal.found} faces are in {photo}; done, counted from the most prominent: {who} ({alone})."
    if any(face.below for face in worn):
        yield f"The mask in {photo} reaches farther down than a face is looked at, and what lies there stays."
