"""Compiled solver of the dual problem of a two-class support vector machine; import when needed.

The algorithm, the order of its steps and their rounding are those of libsvm 3 (Fan, Chen and Lin
2005, Working set selection using second order information for training support vector machines,
JMLR 6; shrinking as in Chang and Lin 2011), so that its multipliers are libsvm's to the last bit.
What differs is the speed: the kernel lies in memory as one single-precision matrix without
libsvm's copies of it, and the signs of the classes are folded into the gradient, which leaves
loops without branches. They are loops also where slices would do, which take seconds to compile.
"""

from __future__ import annotations

import numpy as np
from numba import boolean, float32, float64, int64, types

from classic_fer.features._jit import compiled

__all__ = ["solve_two_classes"]

_CURVATURE = 1e-12  # libsvm's, of pairs of rows that have none
_SHRINK_EVERY = 1000
_CHUNK = 128  # values between which a maximum is sought by hand
_MATH = {"nnan", "nsz"}  # neither reorders nor fuses operations

_matrix = types.Array(float32, 2, "C", readonly=True)
_floats = float64[::1]
_flags = boolean[::1]
_numbers = int64[::1]


@compiled(types.Tuple((float64, int64))(_floats, int64), fastmath=_MATH)
def _greatest(values, n):
    """Greatest of the first `n` values, and the last place where it stands."""
    greatest, end = -np.inf, n
    whole = n - n % _CHUNK
    for start in range(0, whole, _CHUNK):
        # Four maxima side by side do not wait for each other.
        a, b, c, d = values[start], values[start + 1], values[start + 2], values[start + 3]
        for t in range(start, start + _CHUNK, 4):
            a = values[t] if values[t] > a else a
            b = values[t + 1] if values[t + 1] > b else b
            c = values[t + 2] if values[t + 2] > c else c
            d = values[t + 3] if values[t + 3] > d else d
        found = max(max(a, b), max(c, d))
        if found >= greatest:
            greatest, end = found, start + _CHUNK
    for t in range(whole, n):
        if values[t] >= greatest:
            greatest, end = values[t], t + 1
    place = end - 1
    while values[place] != greatest:
        place -= 1
    return greatest, place


@compiled(types.void(_floats, _flags, _flags, int64, _floats, _floats), fastmath=_MATH)
def _candidates(gradient, up, down, n, rising, falling):
    """How much each row that may go up violates the optimality conditions, and down likewise."""
    for t in range(n):
        rising[t] = -gradient[t] if up[t] else -np.inf
        falling[t] = gradient[t] if down[t] else -np.inf


@compiled(
    types.void(float64, float64, float32[::1], _floats, _floats, int64, _floats), fastmath=_MATH
)
def _gains(high, curvature, row, falling, diagonal, n, gains):
    """What the objective gains from a step with each row that may go down; -1 where it does not."""
    for t in range(n):
        difference = high + falling[t]
        bend = curvature + diagonal[t] - 2.0 * row[t]
        gain = difference * difference / (bend if bend > 0 else _CURVATURE)
        gains[t] = gain if difference > 0 else -1.0


@compiled(types.void(_matrix, int64, _numbers, int64, boolean, float32[::1]))
def _read_row(kernel, row, order, n, moved, out):
    """The first `n` values of a row of the kernel in the present order."""
    if moved:
        for t in range(n):
            out[t] = kernel[row, order[t]]
    else:
        for t in range(n):
            out[t] = kernel[row, t]


@compiled(
    types.Tuple((int64, int64))(
        _matrix,
        _numbers,
        boolean,
        _floats,
        _floats,
        _flags,
        _flags,
        int64,
        float64,
        float64[:, ::1],
        float32[::1],
    )
)
def _choose(kernel, order, moved, gradient, diag, up, down, active, tol, scratch, row):
    """The two rows of the next step, and the kernel of the first; -1 if no step is worth it."""
    rising, falling, gains = scratch[0], scratch[1], scratch[2]
    _candidates(gradient, up, down, active, rising, falling)
    high, i = _greatest(rising, active)
    if high + _greatest(falling, active)[0] < tol or high == -np.inf:
        return int64(-1), int64(-1)
    _read_row(kernel, order[i], order, active, moved, row)
    _gains(high, diag[i], row, falling, diag, active, gains)
    gain, j = _greatest(gains, active)
    return i, j if gain >= 0 else int64(-1)


@compiled(types.void(_matrix, int64, float64, _floats))
def _add_row(kernel, row, factor, total):
    """Add a row of the kernel times a factor."""
    for t in range(len(total)):
        total[t] += factor * kernel[row, t]


@compiled(types.void(_matrix, _numbers, _floats, _floats, _floats, _floats, _floats, int64))
def _rebuild(kernel, order, gradient, sign, alpha, bound, bounded_part, active):
    """Gradients of the rows that were left out."""
    n = len(order)
    if active == n:
        return
    for t in range(active, n):
        gradient[t] = bounded_part[order[t]] - sign[t]
    for s in range(active):
        if 0 < alpha[s] < bound[s]:
            weight = alpha[s] * sign[s]
            for t in range(active, n):
                gradient[t] += weight * kernel[order[s], order[t]]


@compiled(boolean(float64, float64, float64, boolean, boolean))
def _is_settled(gradient, high, low, up, down):
    """Whether a multiplier is at a bound and will stay there."""
    if not up:
        return -gradient > high if down else False
    return gradient > low if not down else False


@compiled(
    types.Tuple((int64, boolean))(
        float64,
        float64,
        int64,
        _numbers,
        _floats,
        _floats,
        _floats,
        _floats,
        _floats,
        _flags,
        _flags,
    )
)
def _shrink(high, low, active, order, gradient, sign, alpha, bound, diagonal, up, down):
    """Move rows that are settled behind the others; how many are left, and whether any moved."""
    moved = False
    t = 0
    while t < active:
        if _is_settled(gradient[t], high, low, up[t], down[t]):
            active -= 1
            while active > t:
                if not _is_settled(gradient[active], high, low, up[active], down[active]):
                    moved = True
                    order[t], order[active] = order[active], order[t]
                    up[t], up[active] = up[active], up[t]
                    down[t], down[active] = down[active], down[t]
                    for values in (gradient, sign, alpha, bound, diagonal):
                        values[t], values[active] = values[active], values[t]
                    break
                active -= 1
        t += 1
    return active, moved


@compiled(
    types.Tuple((float64, float64))(float64, float64, float64, float64, float64, float64, boolean)
)
def _clipped(alpha_i, alpha_j, bound_i, bound_j, old_i, old_j, same_class):
    """A step's end, moved back along the step into the bounds."""
    if same_class:
        total = old_i + old_j
        if total > bound_i:
            if alpha_i > bound_i:
                alpha_i, alpha_j = bound_i, total - bound_i
        elif alpha_j < 0:
            alpha_i, alpha_j = total, 0.0
        if total > bound_j:
            if alpha_j > bound_j:
                alpha_i, alpha_j = total - bound_j, bound_j
        elif alpha_i < 0:
            alpha_i, alpha_j = 0.0, total
        return alpha_i, alpha_j
    difference = old_i - old_j
    if difference > 0:
        if alpha_j < 0:
            alpha_i, alpha_j = difference, 0.0
    elif alpha_i < 0:
        alpha_i, alpha_j = 0.0, -difference
    if difference > bound_i - bound_j:
        if alpha_i > bound_i:
            alpha_i, alpha_j = bound_i, bound_i - difference
    elif alpha_j > bound_j:
        alpha_i, alpha_j = bound_j + difference, bound_j
    return alpha_i, alpha_j


@compiled(types.void(_floats, _floats, _floats, _floats, int64, int64, float64))
def _step(alpha, bound, sign, gradient, i, j, curvature):
    """Move two multipliers to where the objective is best, as far as their bounds allow."""
    step = (gradient[j] - gradient[i]) / (curvature if curvature > 0 else _CURVATURE)
    new_i, new_j = alpha[i] + sign[i] * step, alpha[j] - sign[j] * step
    same_class = sign[i] == sign[j]
    alpha[i], alpha[j] = _clipped(new_i, new_j, bound[i], bound[j], alpha[i], alpha[j], same_class)


@compiled(types.void(_floats, float32[::1], float32[::1], float64, float64, int64))
def _follow(gradient, row_i, row_j, step_i, step_j, n):
    """The gradient after a step."""
    for t in range(n):
        gradient[t] += row_i[t] * step_i + row_j[t] * step_j


@compiled(float64(_floats, _flags, _flags, int64))
def _intercept(gradient, up, down, active):
    """From the rows whose multipliers are free, or else the middle of what is possible."""
    n_free = 0
    total = 0.0
    upper, lower = np.inf, -np.inf
    for t in range(active):
        if up[t] and down[t]:
            n_free += 1
            total += gradient[t]
        elif up[t]:
            upper = min(upper, gradient[t])
        else:
            lower = max(lower, gradient[t])
    return -(total / n_free) if n_free else -((upper + lower) / 2)


@compiled(
    types.Tuple((_floats, float64, int64, boolean))(
        _matrix, _floats, int64, float64, float64, float64, boolean, int64
    )
)
def solve_two_classes(kernel, diagonal, n_first, c_first, c_second, tol, shrinking, max_iter):
    """Solve for the rows of two classes, the first class before the second.

    Parameters
    ----------
    kernel : ndarray of float32, shape (n, n)
        Symmetric, without NaN.
    diagonal : ndarray of float64, shape (n,)
        Its diagonal before it was rounded.
    n_first : int
        Number of rows of the first class.
    c_first, c_second : float
        Upper bound of the multipliers of each class.
    tol : float
        Violation of the optimality conditions below which the solver stops.
    shrinking : bool
    max_iter : int
        -1 for no limit.

    Returns
    -------
    coefficients : ndarray of float64, shape (n,)
        Multipliers, negative for the second class. The decision value of x is
        ``sum(coefficients * K(rows, x)) + intercept``, positive for the first class.
    intercept : float
    iterations : int
    bounded : bool
        Whether a multiplier was ever at its bound. If none was, the solution for larger bounds is
        the same.
    """
    n = len(diagonal)
    # These follow `order`: the gradient times the sign, sign, multiplier, its bound, diagonal, and
    # whether multiplier times sign may go up or down. `bounded_part` follows the rows: the part of
    # the gradient that multipliers at their bound give.
    order = np.empty(n, dtype=np.int64)
    up, down = np.empty(n, dtype=np.bool_), np.empty(n, dtype=np.bool_)
    gradient, sign, alpha, bound = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    diag, bounded_part, scratch = np.empty(n), np.empty(n), np.empty((3, n))
    for t in range(n):
        order[t], up[t], down[t] = t, t < n_first, t >= n_first
        sign[t], bound[t] = (1.0, c_first) if t < n_first else (-1.0, c_second)
        gradient[t], alpha[t], diag[t], bounded_part[t] = -sign[t], 0.0, diagonal[t], 0.0
    row_i, row_j = np.empty(n, dtype=np.float32), np.empty(n, dtype=np.float32)
    active, moved, unshrunk, bounded, iterations = n, False, False, False, 0
    counter = min(n, _SHRINK_EVERY) + 1
    while max_iter == -1 or iterations < max_iter:
        counter -= 1
        if counter == 0:
            counter = min(n, _SHRINK_EVERY)
            if shrinking:
                _candidates(gradient, up, down, active, scratch[0], scratch[1])
                high, low = _greatest(scratch[0], active)[0], _greatest(scratch[1], active)[0]
                if not unshrunk and high + low <= tol * 10:
                    unshrunk = True
                    _rebuild(kernel, order, gradient, sign, alpha, bound, bounded_part, active)
                    active = n
                active, swapped = _shrink(
                    high, low, active, order, gradient, sign, alpha, bound, diag, up, down
                )
                moved = moved or swapped
        i, j = _choose(kernel, order, moved, gradient, diag, up, down, active, tol, scratch, row_i)
        if j < 0:
            _rebuild(kernel, order, gradient, sign, alpha, bound, bounded_part, active)
            active = n
            i, j = _choose(
                kernel, order, moved, gradient, diag, up, down, active, tol, scratch, row_i
            )
            if j < 0:
                break
            counter = 1  # shrink again in the next iteration
        iterations += 1
        _read_row(kernel, order[j], order, active, moved, row_j)
        old_i, old_j = alpha[i], alpha[j]
        _step(alpha, bound, sign, gradient, i, j, diag[i] + diag[j] - 2.0 * row_i[j])
        step_i, step_j = sign[i] * (alpha[i] - old_i), sign[j] * (alpha[j] - old_j)
        _follow(gradient, row_i, row_j, step_i, step_j, active)
        for t, old in ((i, old_i), (j, old_j)):
            now = alpha[t] >= bound[t]
            if now != (old >= bound[t]):
                bounded = True
                change = sign[t] * bound[t] if now else -sign[t] * bound[t]
                _add_row(kernel, order[t], change, bounded_part)
            up[t] = not now if sign[t] > 0 else alpha[t] > 0
            down[t] = alpha[t] > 0 if sign[t] > 0 else not now
    coefficients = np.empty(n)
    for t in range(n):
        coefficients[order[t]] = sign[t] * alpha[t]
    return coefficients, _intercept(gradient, up, down, active), iterations, bounded
