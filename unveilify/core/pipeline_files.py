"""The pipeline files that come with the package, by their names: of a checkout, or as they were installed."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

FOLDER = "pipelines"


def there() -> dict[str, Path]:
    """Every pipeline file of the package by its name, without the ending."""
    checkout = Path(__file__).parents[2] / FOLDER
    found = sorted(checkout.glob("*.yaml")) if checkout.is_dir() else _installed()
    return {path.stem: path for path in found}


def named(file: Path) -> Path:
    """The file itself, if it is there; else the one of the package that ``NAME``, ``NAME.yaml`` or ``pipelines/NAME.yaml`` means.

    What means none is given back as it is, for whoever reads it to complain of.
    """
    inside = file.parent in (Path(), Path(FOLDER)) and file.suffix in ("", ".yaml")
    return file if file.is_file() or not inside else there().get(file.stem, file)


def _installed() -> list[Path]:
    try:
        files = distribution("unveilify").files or ()
    except PackageNotFoundError:
        return []
    found = [Path(str(f.locate())) for f in files if f.suffix == ".yaml" and f.parent.name == FOLDER]
    return [path for path in found if path.is_file()]
