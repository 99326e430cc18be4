"""The data-set card: README.md for people and the Hugging Face hub, croissant.json for machines.

croissant.json is JSON-LD in the vocabulary Croissant 1.0 (mlcommons.org/croissant).
"""

import re
from typing import Any

from unveilify.shards.index import Index
from unveilify.shards.split import SPLITS

README = "README.md"
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
MEANING = {
    "masked.jpg": "the face crop with a drawn mask: what a network is given",
    "unmasked.jpg": "the same face crop without the mask: what it should give",
    "mask.png": "8-bit alpha of all that was drawn (cloth, straps, shadow); the hole is where it is above 0",
    "identity.jpg": "another photo of the same person; mid-grey where there is none",
    "landmarks.npy": "landmarks in pixels, float32 (2 + k, N, 2 or 3): of the unmasked picture, of the masked one as they "
    "are found under the mask, of each of k identity images; NaN where unknown",
    "json": "identity, group, source photo, crop, scheme of the landmarks, pose, quality and every drawing parameter",
}
CROISSANT = "croissant.json"
OWN_WORDS = (
    "citeAs column equivalentProperty extract field fileObject fileProperty fileSet format includes isLiveDataset "
    "jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate separator source "
    "subField transform"
)
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "dct": "http://purl.org/dc/terms/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{word: f"cr:{word}" for word in OWN_WORDS.split()},
}
MIME = {"jpg": "image/jpeg", "png": "image/png", "json": "application/json", "npy": "application/octet-stream"}
TYPES = {"jpg": "sc:ImageObject", "png": "sc:ImageObject", "json": "sc:Text", "npy": "sc:MediaObject"}


def readme(index: Index, counts: dict[str, int]) -> str:
    """The data-set card, with the front matter that the Hugging Face hub reads."""
    total = sum(counts[f"{name}.triplets"] for name in SPLITS)
    size = next((word for limit, word in SIZES if total < limit), "n>1M")
    filled = [name for name in SPLITS if index.splits[name]]
    files = "\n".join(f"      - split: {_hub(name)}\n        path: {name}-*.tar" for name in filled)
    rows = "\n".join(
        f"| {name} | {counts[f'{name}.triplets']} | {counts[f'{name}.identities']} | {counts[f'{name}.groups']} "
        f"| {len(index.splits[name])} |"
        for name in SPLITS
    )
    members = "\n".join(f"| `{name}` | {meaning(name)} |" for name in index.members)
    rejects = "\n".join(
        f"| {name.partition('.')[2]} | {number} |" for name, number in sorted(counts.items()) if "rejected." in name
    )
    return f"""---
pretty_name: Face mask removal triplets
task_categories:
  - image-to-image
tags:
  - face-mask-removal
  - inpainting
  - webdataset
size_categories:
  - {size}
license: other
configs:
  - config_name: default
    data_files:
{files}
---

# Face mask removal triplets

{total} triplets at {index.size_px} x {index.size_px} px: a face with a drawn mask, the same face without it, and
{index.identities} photo(s) of the same person. Made with `unveilify`; nobody in the pictures wore these masks.

| split | triplets | identities | groups | shards |
|---|---|---|---|---|
{rows}

No group (a person, or a family where the source says so) is in two splits. {counts["leaks"]} pairs of photos were
found to leak between splits (same bytes or same look); `leaks.json` lists them.

## Members of a sample

| member | what it is |
|---|---|
{members}

## Photos left out

{counts["rows"]} photos went in. {counts.get("rejected", 0)} were left out; `manifest.parquet` has every one of them.

| reason | photos |
|---|---|
{rejects}

## Reading

The tars are plain WebDataset: `webdataset`, `datasets` and `tar` read them. `unveilify verify` checks every byte.

## Licence, consent and limits

The photos keep the licence and the consent of their source: see the card of the source before you use or share
them. The masks are synthetic and alpha is exact, so results on these triplets are better than on real masked
photos. What a network paints under a mask is a plausible guess and no evidence of who someone is.
"""


def _hub(split: str) -> str:
    return {"val": "validation"}.get(split, split)


def meaning(member: str) -> str:
    """One line on what a member of a sample is."""
    return MEANING[re.sub(r"^identity\.\d+\.jpg$", "identity.jpg", member)]


def croissant(index: Index, counts: dict[str, int]) -> dict[str, Any]:
    """Every shard with its SHA-256, and per split and member a record set of ``key`` and ``content``.

    Record sets of one split are joined by ``key``.
    """
    total = sum(counts[f"{name}.triplets"] for name in SPLITS)
    files = [
        {
            "@type": "cr:FileObject",
            "@id": shard.name,
            "name": shard.name,
            "contentUrl": shard.name,
            "contentSize": f"{shard.bytes} B",
            "encodingFormat": "application/x-tar",
            "sha256": shard.sha256,
        }
        for shard in index.shards()
    ]
    pairs = [(split, member) for split in SPLITS if index.splits[split] for member in index.members]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "face-mask-removal-triplets",
        "description": f"{total} triplets: a face with a drawn mask, without it, and another photo of the same person.",
        "distribution": files + [_file_set(index, split, member) for split, member in pairs],
        "recordSet": [_record_set(split, member) for split, member in pairs],
    }


def _file_set(index: Index, split: str, member: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"files/{split}/{member}",
        "name": f"files/{split}/{member}",
        "containedIn": [{"@id": shard.name} for shard in index.splits[split]],
        "encodingFormat": MIME[member.rpartition(".")[2]],
        "includes": f"*.{member}",
    }


def _record_set(split: str, member: str) -> dict[str, Any]:
    name = f"{split}/{member}"
    files = {"@id": f"files/{name}"}
    key = {"fileSet": files, "extract": {"fileProperty": "filename"}, "transform": {"regex": r"^([^.]*)\..*$"}}
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": meaning(member),
        "field": [
            {"@type": "cr:Field", "@id": f"{name}/key", "name": f"{name}/key", "dataType": "sc:Text", "source": key},
            {
                "@type": "cr:Field",
                "@id": f"{name}/content",
                "name": f"{name}/content",
                "dataType": TYPES[member.rpartition(".")[2]],
                "source": {"fileSet": files, "extract": {"fileProperty": "content"}},
            },
        ],
    }
