"""One photo with every mask style, side by side: `python examples/draw_every_style.py OUT.jpg`."""

import sys

import numpy as np
from PIL import Image
from skimage.data import astronaut

import unveilify
from unveilify.core import plugins

photo = astronaut()
shown = [photo]
for style in plugins.names("style"):
    if style != "custom":  # which needs a picture of your own
        masked = unveilify.draw_mask(photo, style=style, seed=1)
        print(f"{style}: {(masked.alpha > 0).mean():.1%} of the photo")
        shown.append(masked.image)
Image.fromarray(np.hstack([image[:256, 96:352] for image in shown])).save(sys.argv[1])
