"""Compiled kernel of the pooling of local descriptors; imported when first used."""

from __future__ import annotations

import numpy as np
from numba import float32, int64, types

from classic_fer.features._jit import compiled

__all__ = ["add_soft_sums"]

_RUN = 32  # logits whose largest is found in one go, so that most are looked at only once


@compiled(
    types.void(
        float32[:, ::1],
        float32[:, ::1],
        int64[:, ::1],
        float32,
        float32[:, ::1],
        float32[:, :, ::1],
    ),
    fastmath={"contract", "reassoc", "nsz", "nnan", "arcp"},
)
def add_soft_sums(logits, rows, regions, floor, counts, sums):
    """Add each row, weighted by the softmax of its logits, to the sums of its regions.

    `logits` (n, k); of `rows` (n, d) the first e columns are added; `regions` (n, levels) are
    indices into `counts` (regions, k) and `sums` (regions, k, e). Logits more than `-floor` below
    the largest count as none.
    """
    n, k = logits.shape
    e = sums.shape[2]
    peaks = np.empty((k + _RUN - 1) // _RUN, dtype=np.float32)
    near = np.empty(k, dtype=np.int64)
    weights = np.empty(k, dtype=np.float32)
    for i in range(n):
        logit = logits[i]
        top = logit[0]
        for run in range(len(peaks)):
            part = logit[run * _RUN : (run + 1) * _RUN]
            peak = part[0]
            for j in range(len(part)):
                peak = part[j] if part[j] > peak else peak
            peaks[run] = peak
            top = max(top, peak)
        found = 0
        total = float32(0)
        for run in range(len(peaks)):
            if peaks[run] < top + floor:
                continue
            for j in range(run * _RUN, min((run + 1) * _RUN, k)):
                if logit[j] >= top + floor:
                    near[found] = j
                    weights[found] = np.exp(logit[j] - top)
                    total += weights[found]
                    found += 1
        row = rows[i, :e]
        for level in range(regions.shape[1]):
            region = regions[i, level]
            for m in range(found):
                weight = weights[m] / total
                counts[region, near[m]] += weight
                into = sums[region, near[m]]
                for c in range(e):
                    into[c] += weight * row[c]
