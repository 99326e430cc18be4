"""croissant.json: the data set for machines, as JSON-LD in the vocabulary Croissant 1.0 (mlcommons.org/croissant)."""

from typing import Any

from unveilify.shards.card import meaning
from unveilify.shards.index import Index
from unveilify.shards.split import SPLITS

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
