"""What does every network cost? Parameters and multiply-accumulates for one picture with one identity image.

    python benchmarks/costs.py
    python benchmarks/costs.py --markdown

Nothing is computed: shapes alone pass through the networks. A frozen recogniser inside a network is not counted, whether it
is on this machine or not. `small` is what a CPU trains unless told otherwise.
"""

import argparse
import os
from unittest.mock import patch

import torch
from tables import show

from unveilify.core import plugins
from unveilify.core.config import build
from unveilify.models.contract import plugin
from unveilify.models.cost import cost

SWITCHES: dict[str, dict[str, object]] = {
    "unveilify, no U-Net": {"unet": False},
    "unveilify, no identity image": {"identity": False},
    "dmfn, with the identity image": {"identity": True},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    names = [name for name in plugins.names("model") if plugin(name).TRAINS]
    head = ["network", "M param", "of its critic", "GMAC 256 px", "GMAC 128 px", "small: M param", "GMAC 64 px"]
    with patch.dict(os.environ, {"UNVEILIFY_WEIGHTS": "", "UNVEILIFY_CACHE": os.devnull}):
        rows = [row(label, {}) for label in names] + [row(label, switched) for label, switched in SWITCHES.items()]
    print(show(head, sorted(rows), markdown=given.markdown))


def row(label: str, switched: dict[str, object]) -> list[str]:
    """One network, full at 256 and 128 px, small at 64."""
    name = label.split(",")[0]
    module = plugin(name)
    full, half = (build(module.Config, {"size_px": size_px, **switched}) for size_px in (256, 128))
    small = build(module.Config, {"size_px": 64, **getattr(module, "SMALL", {}), **switched})
    with torch.device("meta"):
        critic = module.discriminator(full)
    judging = sum(p.numel() for p in critic.parameters()) if critic is not None else 0
    large, middle, little = cost(name, full), cost(name, half), cost(name, small)
    return [
        label,
        f"{large.parameters / 1e6:.2f}",
        f"{judging / 1e6:.2f}",
        f"{large.macs / 1e9:.2f}",
        f"{middle.macs / 1e9:.2f}",
        f"{little.parameters / 1e6:.2f}",
        f"{little.macs / 1e9:.2f}",
    ]


if __name__ == "__main__":
    main()
