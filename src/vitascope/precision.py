"""Where arithmetic may be rounder and faster."""

import torch


def fast_precision(device: torch.device | str = "cpu") -> torch.autocast:
    """Autocast to bfloat16 where the machine multiplies it faster than float32, else a context that changes nothing.

    Three to four times the rate on a CPU with AVX512-BF16 or AMX; slower than float32 on one without.
    """
    kind = torch.device(device).type
    fast = torch.cpu._is_avx512_bf16_supported() if kind == "cpu" else torch.cuda.is_bf16_supported()
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=fast)
