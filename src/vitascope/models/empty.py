"""Modules without weights: for those whose weights are about to be loaded, or only counted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class Uninitialised(TorchFunctionMode):
    """Passes over everything in torch.nn.init."""

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            tensor: Tensor = args[0] if args else kwargs["tensor"]
            return tensor
        return func(*args, **kwargs)


@contextmanager
def without_weights() -> Iterator[None]:
    """Modules that are built inside have shapes, but neither memory nor initial values.

    The meta device alone would do, but drawing normal numbers there imports torch's compiler: seconds, for nothing.
    """
    with torch.device("meta"), Uninitialised():
        yield
