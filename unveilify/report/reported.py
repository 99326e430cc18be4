"""Numbers that others published. They stand apart: none was measured on the pictures of this table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reported:
    """One published row, as printed; an empty string where the source gives nothing."""

    system: str
    psnr: str
    ssim: str
    lpips: str
    time: str


@dataclass(frozen=True, slots=True)
class Source:
    """Published rows and why they do not compare with ours."""

    title: str
    rows: tuple[Reported, ...]
    why: tuple[str, ...]


UNVEILIFY = Source(
    title="UnVeilify (2023), Table 1",
    rows=(
        Reported("DMFN, baseline", "26.92", "0.90", "0.03", "1404 ms"),
        Reported("GAN-based mask removal (Din et al.)", "26.19", "0.86", "", ""),
        Reported("UnVeilify, no U-Net encoder", "3.42", "0.00", "0.91", "34 ms"),
        Reported("UnVeilify, no identity image", "6.57", "0.01", "0.89", "55 ms"),
        Reported("UnVeilify, unnormalised identity features", "19.16", "0.75", "0.14", ""),
        Reported("UnVeilify, final model", "27.04", "0.84", "0.06", ""),
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
    rows=(
        Reported("M2UNet (2026)", "31.33", "0.958", "", ""),
        Reported("GANMasker (2023)", "30.78", "0.952", "", ""),
        Reported("MuFIN (2024)", "29.88", "0.948", "", ""),
    ),
    why=(
        "500 CelebA test pictures with MaskTheFace surgical masks at 256 px: other photos, other masks, and a smaller "
        "hole. A comparison needs that very protocol on CelebA itself.",
    ),
)

SOURCES = (UNVEILIFY, CELEBA)
