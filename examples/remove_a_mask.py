"""Draw a mask on a photo, and take it off again with another photo of the person: `python examples/remove_a_mask.py OUT`."""

import sys
from pathlib import Path

from PIL import Image
from skimage.data import astronaut

import unveilify

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
photo = astronaut()  # RGB bytes (H, W, 3), in the public domain; a path or a Pillow picture will do as well
masked = unveilify.draw_mask(photo, style="surgical")
unmasker = unveilify.Unmasker.load()  # or a run directory of `unveilify train`
removal = unmasker.remove(masked.image, identity=[photo[:, ::-1]])  # the same person, mirrored
print(f"{removal.hole_share:.0%} of the face crop was replaced: a plausible guess, not evidence of who someone is.")
for name, picture in {"photo": photo, "masked": masked.image, "guess": removal.image}.items():
    Image.fromarray(picture).save(out / f"{name}.png")
