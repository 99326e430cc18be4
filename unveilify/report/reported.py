"""Numbers that others published. They stand apart: none was measured on the pictures of this table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reported:
    """One published row, as printed, in the order of its source's columns; "" where the source gives nothing."""

    system: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Published rows and why they do not compare with ours."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Reported, ...]
    why: tuple[str, ...]


UNVEILIFY = Source(
    title="UnVeilify (2023), Table 1",
    columns=("PSNR", "SSIM", "LPIPS", "time"),
    rows=(
        Reported("DMFN, baseline", ("26.92", "0.90", "0.03", "1404 ms")),
        Reported("GAN-based mask removal (Din et al.)", ("26.19", "0.86", "", "")),
        Reported("UnVeilify, no U-Net encoder", ("3.42", "0.00", "0.91", "34 ms")),
        Reported("UnVeilify, no identity image", ("6.57", "0.01", "0.89", "55 ms")),
        Reported("UnVeilify, unnormalised identity features", ("19.16", "0.75", "0.14", "")),
        Reported("UnVeilify, final model", ("27.04", "0.84", "0.06", "")),
    ),
    why=(
        "Other photos (AI Hub 528 at 256 px) and a hole of about 41 % of the picture: PSNR and SSIM follow the "
        "share of the hole.",
        "The DMFN of that table filled a fixed box on the unmasked photo and was trained on 545 pictures, with 96 of "
        "98 validation people among them.",
        "Its LPIPS ran an AlexNet on raw 0–255 values; the network expects [-1, 1].",
        "The numbers of Din et al. come from their own data.",
        "1404 ms is not the cost of a network forward pass.",
        "3.42 and 6.57 dB are the level of noise: the inputs seem to have been taken away from the finished network; "
        "an ablation retrains.",
        "Outputs were saved unclamped, so that values just outside the range wrapped around.",
    ),
)

CELEBA = Source(
    title="Face unmasking without a reference, CelebA (survey repository From-Pixels-to-Faces, 2026)",
    columns=("PSNR", "SSIM", "FID", "identity to truth"),
    rows=(
        Reported("M2UNet (2026)", ("31.33", "0.958", "7.64", "0.704")),
        Reported("GANMasker (2023)", ("30.78", "0.952", "10.10", "0.672")),
        Reported("MuFIN (2024)", ("29.88", "0.948", "9.07", "0.649")),
    ),
    why=(
        "500 CelebA test pictures with MaskTheFace surgical masks at 256 px: unless this table is of CelebA with surgical "
        "masks (`pipelines/celeba.yaml`), the photos, the masks and the share of the hole differ.",
        "Even there the masks are drawn by another program, the crop is aligned on the eyes rather than CelebA's own, "
        "and the split by person is ours: read a difference of a few tenths of a dB as none.",
        "Their identity is a cosine by InsightFace's buffalo_l; a cosine by another recogniser does not compare.",
    ),
)

REFERENCES = Source(
    title="Inpainting with five photos of the person, CelebAHQ-IDI-5 (ReSem-Face, preprint 2026, Tables 1 and 2)",
    columns=("identity", "FID", "PSNR", "SSIM", "LPIPS"),
    rows=(
        Reported("no reference (SD inpainting)", ("0.326", "8.79", "24.52", "0.815", "0.138")),
        Reported("ReF-LDM", ("0.725", "8.35", "27.50", "0.885", "0.122")),
        Reported("PVA, 1 min of tuning per person", ("0.736", "8.16", "27.92", "0.895", "0.118")),
        Reported("TransRef", ("0.713", "8.56", "28.45", "0.910", "0.128")),
        Reported("OmniGen", ("0.704", "9.45", "26.14", "0.848", "0.126")),
        Reported("ReSem-Face, 1 min of tuning per person", ("0.766", "7.90", "28.31", "0.904", "0.116")),
    ),
    why=(
        "CelebA-HQ at 512 px, five photos of the person, and holes of many shapes (lower face, eyes, whole face, "
        "random) in place of masks.",
        "Their identity is a cosine by a CosFace network to the truth; a cosine by another recogniser does not compare.",
    ),
)

SOURCES = (UNVEILIFY, CELEBA, REFERENCES)
