"""How real do the masks look? Synthetic masks on unmasked photos against real masked photos of the same people.

    python benchmarks/mask_realism.py PHOTOS --role tune [--masktheface ~/MaskTheFace]

Measure: Fréchet distance (FD) between SqueezeNet 1.1 features of lower-face crops, at a fixed number of pictures n,
because FD falls with n. Crops are aligned on eyes that a detector which also finds masked faces (SCRFD) gives, cover
1.7 x 1.25 eye distances below the eyes (128 x 94 px), frontal faces only, and both sides go through 64 px and JPEG 75,
so that sharpness and compression of the two sides are equal. Features: last layer, mean over places (512), z-scored
on the real pictures (masked and unmasked), clipped at 6, 64 principal components.

The floor is what two halves of the real masked photos, cut between people, are apart. Controls: `unmasked` draws
nothing, `sticker` is our flat style (one homography, one texture, no light), and MaskTheFace (six templates at random,
from our 68 points) runs where a checkout is given. Hole share and mask colours are printed, because drawing less mask
or other colours also moves the distance.
Needs scrfd_2.5g_bnkps.onnx and squeezenet1_1_features.pth in $UNVEILIFY_WEIGHTS.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from rival_masktheface import Rival
from torchvision.models import squeezenet1_1

from unveilify import weights
from unveilify.core.config import load
from unveilify.core.geometry import similarity
from unveilify.core.pictures import decode
from unveilify.faces.backends import mediapipe
from unveilify.masks.choose import choose
from unveilify.masks.compose import compose
from unveilify.masks.config import MaskConfig
from unveilify.masks.draw import draw

Rgb = NDArray[np.uint8]
Features = NDArray[np.float64]

CROP = (128, 94)
EYES_APART = CROP[0] / 1.7
PAD = 48
DIMENSIONS = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder with rmfrd_pairs/ and rmfrd_roles.tsv")
    parser.add_argument("--role", default="tune", choices=["tune", "report"], help="which people")
    parser.add_argument("--config", type=Path, help="YAML of MaskConfig settings")
    parser.add_argument("--set", action="append", default=[], help="a setting of MaskConfig, as styles='{kn95: 1}'")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=int, default=20, help="random subsets per figure")
    parser.add_argument("--masktheface", type=Path, help="a checkout of MaskTheFace")
    parser.add_argument("--sheet", type=Path, help="write the crops, real above synthetic, as a PNG")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    eyes, backend = Eyes(), mediapipe.Backend(mediapipe.Config())
    rival = Rival(given.masktheface) if given.masktheface else None
    config, flat = load(MaskConfig, given.config, given.set), MaskConfig(styles={"sticker": 1}, wears={"proper": 1})
    roles = [line.split("\t") for line in (given.photos / "rmfrd_roles.tsv").read_text().splitlines()]
    people = [name for name, role in roles if role == given.role]

    sets: dict[str, list[Rgb | None]] = {"real": [], "ours": [], "sticker": [], "MaskTheFace": [], "unmasked": []}
    owners: list[str] = []
    holes: dict[str, list[float]] = {"ours": [], "sticker": []}
    tried = 0
    for person in people:
        folder = given.photos / "rmfrd_pairs" / person
        for path in sorted((folder / "masked").iterdir()):
            sets["real"].append(lower_face(decode(path.read_bytes()), eyes))
            owners.append(person)
        for path in sorted((folder / "unmasked").iterdir()):
            photo = decode(path.read_bytes())
            tried += 1
            found = backend.find(photo)
            if not found:
                continue
            landmarks = found[0].landmarks
            for name, setting in (("ours", config), ("sticker", flat)):
                overlay = draw(photo, landmarks, choose(setting, given.seed, f"{person}/{path.name}"))
                sets[name].append(lower_face(compose(photo, overlay), eyes))
                holes[name].append(overlay.hole_share)
            if rival:
                sets["MaskTheFace"].append(lower_face(rival.try_to_draw(photo, landmarks), eyes))
            sets["unmasked"].append(lower_face(photo, eyes))
    print(f"{len(people)} people marked {given.role}; masks drawn on {len(holes['ours'])} of {tried} unmasked photos")
    identities = np.array([owner for owner, crop in zip(owners, sets["real"], strict=True) if crop is not None])
    kept = {name: keep(crops) for name, crops in sets.items() if crops}
    report(kept, identities, given.draws)
    for name, shares in holes.items():
        low, middle, high = np.quantile(shares, [0.05, 0.5, 0.95])
        print(f"hole share of the photo, {name}: median {middle:.3f}, 5 to 95 %: {low:.3f} to {high:.3f}")
    print("colours (share of crops, by the middle of the lower half):")
    for name in ("real", "ours"):
        print(f"  {name:6s}", colours(kept[name]))
    if given.sheet:
        write_sheet(given.sheet, kept["real"], kept["ours"])


def report(sets: dict[str, list[Rgb]], identities: NDArray[np.str_], draws: int) -> None:
    """Print the distances of every set from the real one at two sizes; halves of the real one are the floor."""
    network = squeezenet()
    features = {name: describe(network, crops) for name, crops in sets.items()}
    basis = whiten(np.concatenate([features["real"], features["unmasked"]]))
    flat = {name: basis(values) for name, values in features.items()}
    real = flat["real"]
    sizes = [98, min(270, *(len(values) for values in flat.values()))]
    print(
        f"{'set':12s} {'crops':>6s} {'luminance':>9s} {'saturation':>10s}"
        + "".join(f"{f'FD n={n}':>14s}" for n in sizes)
    )
    for name, values in flat.items():
        light, colour = tones(sets[name])
        cells = []
        for n in sizes:
            rng = np.random.default_rng(0)
            if name == "real":
                distances = [frechet(*halves(real, identities, n, rng)) for _ in range(draws)] if n == sizes[0] else []
            else:
                distances = [frechet(some(real, n, rng), some(values, n, rng)) for _ in range(draws)]
            cells.append(f"{np.mean(distances):.0f} ± {np.std(distances):.0f}" if distances else "-")
        label = "real halves" if name == "real" else name
        print(f"{label:12s} {len(values):6d} {light:9.3f} {colour:10.3f}" + "".join(f"{cell:>14s}" for cell in cells))


def some(values: Features, n: int, rng: np.random.Generator) -> Features:
    """``n`` rows at random, or all."""
    return values[rng.permutation(len(values))[:n]]


def halves(
    values: Features, identities: NDArray[np.str_], n: int, rng: np.random.Generator
) -> tuple[Features, Features]:
    """Two sets of at most ``n`` rows that share no person."""
    names = rng.permutation(np.unique(identities))
    first = np.isin(identities, names[: len(names) // 2])
    n = min(n, int(first.sum()), int((~first).sum()))
    return some(values[first], n, rng), some(values[~first], n, rng)


def keep(crops: list[Rgb | None]) -> list[Rgb]:
    return [crop for crop in crops if crop is not None]


class Eyes:
    """SCRFD's five points of the most certain face."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.net = onnxruntime.InferenceSession(str(weights.fetch("scrfd_2.5g_bnkps")), options)
        self.input = self.net.get_inputs()[0].name

    def find(self, image: Rgb) -> NDArray[np.float64] | None:
        """(5, 2) left eye, right eye, nose, left and right mouth corner in a square picture, or None."""
        side = 320
        small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        blob = cv2.dnn.blobFromImage(small, 1 / 128, (side, side), (127.5, 127.5, 127.5))
        out = self.net.run(None, {self.input: blob})
        best, points = 0.5, None
        for level, stride in enumerate((8, 16, 32)):
            scores = out[level].reshape(-1)
            top = int(scores.argmax())
            if scores[top] > best:
                cells = side // stride
                cell = np.array([top // 2 % cells, top // 2 // cells]) * stride
                best, points = float(scores[top]), cell + out[level + 6].reshape(-1, 5, 2)[top] * stride
        return None if points is None else np.asarray(points, np.float64) * image.shape[1] / side


def lower_face(photo: Rgb, eyes: Eyes) -> Rgb | None:
    """The crop below the eyes at equal quality; None if no frontal face is found or too much lies outside."""
    size = max(photo.shape[:2])
    square = np.zeros((size + 2 * PAD, size + 2 * PAD, 3), np.uint8)
    square[PAD : PAD + photo.shape[0], PAD : PAD + photo.shape[1]] = photo
    points = eyes.find(square)
    if points is None:
        return None
    middle, apart = points[:2].mean(0), points[1] - points[0]
    aside = abs(np.dot(points[2] - middle, apart)) / np.dot(apart, apart)
    if aside > 0.25:
        return None
    target = np.array([[CROP[0] / 2 - EYES_APART / 2, 0.0], [CROP[0] / 2 + EYES_APART / 2, 0.0]])
    matrix = similarity(points[:2] - PAD, target)
    inside = cv2.warpAffine(np.ones(photo.shape[:2], np.uint8), matrix, CROP, flags=cv2.INTER_NEAREST)
    if inside.mean() < 0.88:
        return None
    crop = cv2.warpAffine(photo, matrix, CROP, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    small = cv2.resize(crop, (64, 47), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 75])
    return np.asarray(cv2.resize(cv2.imdecode(data, cv2.IMREAD_COLOR), CROP, interpolation=cv2.INTER_LINEAR), np.uint8)


def squeezenet() -> torch.nn.Module:
    net = squeezenet1_1(weights=None).features
    net.load_state_dict(torch.load(weights.fetch("squeezenet1_1_features"), weights_only=True))
    return net.eval()


@torch.no_grad()
def describe(network: torch.nn.Module, crops: list[Rgb]) -> Features:
    """(N, 512) features of RGB crops."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    parts = []
    for begin in range(0, len(crops), 32):
        batch = torch.from_numpy(np.stack(crops[begin : begin + 32])).float() / 255
        parts.append(network(((batch - mean) / std).permute(0, 3, 1, 2)).mean((2, 3)))
    return torch.cat(parts).double().numpy()


def whiten(real: Features) -> Callable[[Features], Features]:
    mean, std = real.mean(0), real.std(0) + 1e-6
    scored = np.clip((real - mean) / std, -6, 6)
    centre = scored.mean(0)
    axes = np.linalg.svd(scored - centre, full_matrices=False)[2][:DIMENSIONS]
    return lambda values: (np.clip((values - mean) / std, -6, 6) - centre) @ axes.T


def frechet(a: Features, b: Features) -> float:
    """|mean difference|² + tr(A + B - 2 (AB)^½), of two (N, D) sets."""
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_b @ root), 0)).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def _centre(crop: Rgb) -> NDArray[np.float64]:
    return np.asarray(crop[44:76, 40:88].reshape(-1, 3).mean(0) / 255.0)


def tones(crops: list[Rgb]) -> tuple[float, float]:
    middle = np.stack([_centre(c) for c in crops])
    return float((middle @ [0.2126, 0.7152, 0.0722]).mean()), float(np.ptp(middle, axis=1).mean())


def colours(crops: list[Rgb]) -> str:
    names = []
    for crop in crops:
        rgb = _centre(crop)
        spread, light = np.ptp(rgb), rgb.mean()
        if spread > 0.12:
            names.append(("red", "green", "blue")[int(rgb.argmax())] + ("" if light > 0.35 else " dark"))
        else:
            names.append("black" if light < 0.25 else "grey" if light < 0.6 else "white")
    kinds = {name: names.count(name) / len(names) for name in sorted(set(names))}
    return ", ".join(f"{name} {share:.0%}" for name, share in sorted(kinds.items(), key=lambda item: -item[1]))


def write_sheet(path: Path, real: list[Rgb], ours: list[Rgb]) -> None:
    rng = np.random.default_rng(1)
    rows = []
    for crops in (real, real, ours, ours, ours):
        pick = rng.permutation(len(crops))[:24]
        tiles = [crops[i] for i in pick]
        rows += [np.concatenate(tiles[:12], 1), np.concatenate(tiles[12:], 1)]
    cv2.imwrite(str(path), cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
