"""Run a network with neither torch nor unveilify: `python examples/run_onnx.py NETWORK.onnx MASKED.png IDENTITY.png OUT.png`.

`unveilify export runs/unveilify -o network.onnx` writes the network; the pictures are face crops, as `unveilify synth` makes.
"""

import sys

import numpy as np
import onnxruntime
from PIL import Image

network, *photos, out = sys.argv[1:]
session = onnxruntime.InferenceSession(network)
side = session.get_inputs()[0].shape[-1]
pictures = [Image.open(photo).convert("RGB").resize((side, side)) for photo in photos]
masked, identity = (np.asarray(picture, np.float32).transpose(2, 0, 1) / 127.5 - 1 for picture in pictures)
given = {"masked": masked[None], "identity": identity[None, None], "real": np.ones(1, np.int64)}
image = session.run(["image"], given)[0][0]
Image.fromarray(np.rint((image.transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8)).save(out)
print(f"{session.get_modelmeta().custom_metadata_map['about']}: a plausible guess, not evidence of who someone is")
