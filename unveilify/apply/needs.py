"""What taking a network elsewhere needs besides: asked before anything that takes seconds; nothing is loaded."""

from importlib.util import find_spec

from unveilify.core.errors import UserError


def check_onnx() -> None:
    """Raise `UserError` unless there is what translates networks to ONNX."""
    _check("onnxscript", "ONNX")


def check_hub() -> None:
    """Raise `UserError` unless there is what writes the cards of a hub."""
    _check("huggingface_hub", "A card")


def _check(module: str, what: str) -> None:
    if find_spec(module) is None:
        raise UserError(f"{what} needs {module}: `pip install 'unveilify[export]'`.")
