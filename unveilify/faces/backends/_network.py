"""MediaPipe's networks, run by LiteRT where it is installed and by OpenCV elsewhere: the same numbers to 1e-4.

LiteRT's arithmetic (XNNPACK) takes half the time of OpenCV's for the detector and a third for the mesh. Which of the two
finds the faces of a data set is in its stamp, as the version of ``ai-edge-litert``.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from unveilify.core.errors import UserError

Floats = npt.NDArray[np.float32]
Network = Callable[[Floats], list[Floats]]
"""Takes an RGB picture (S, S, 3) and gives all outputs, the smallest first."""
Engine = Literal["auto", "litert", "opencv"]

PACKAGE = "ai-edge-litert"


def read(path: Path, engine: Engine = "auto") -> Network:
    """Read a TFLite network; "auto" is LiteRT if it is installed. Not to be shared between threads.

    Raises:
        UserError: LiteRT was asked for and is not here, or it is and cannot be loaded.
    """
    if engine == "opencv" or (engine == "auto" and not _installed()):
        return _by_opencv(path)
    try:
        from ai_edge_litert.interpreter import Interpreter
    except (ImportError, OSError) as error:
        # Not to be hidden: the other engine would find other sixteenths of pixels than the stamp says.
        raise UserError(f"{PACKAGE} cannot be loaded ({error}): install it, or remove it if it is there.") from None
    return _by_litert(Interpreter, path)


def _installed() -> bool:
    try:
        version(PACKAGE)
    except PackageNotFoundError:
        return False
    return True


def _by_litert(interpreter: Callable[..., Any], path: Path) -> Network:
    with _silence():  # it says that it has made itself
        net = interpreter(model_path=str(path), num_threads=1)
        net.allocate_tensors()
    into = net.get_input_details()[0]["index"]
    out_of = [out["index"] for out in net.get_output_details()]

    def run(picture: Floats) -> list[Floats]:
        net.set_tensor(into, picture[None])
        net.invoke()
        return sorted((net.get_tensor(number) for number in out_of), key=np.size)

    return run


def _by_opencv(path: Path) -> Network:
    # OpenCV 5's new engine gives one output only, so the classic one is asked for.
    engine = getattr(cv2.dnn, "ENGINE_CLASSIC", None)
    net = cv2.dnn.readNetFromTFLite(str(path)) if engine is None else cv2.dnn.readNetFromTFLite(str(path), engine)
    names = net.getUnconnectedOutLayersNames()

    def run(picture: Floats) -> list[Floats]:
        net.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1))[None])
        return sorted((np.asarray(out, np.float32) for out in net.forward(names)), key=np.size)

    return run


@contextmanager
def _silence() -> Iterator[None]:
    """Nothing that a library writes to the process's standard error arrives."""
    try:
        kept = os.dup(2)
    except OSError:  # a process without one
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
