"""How much each signal counts, learned from choices: conditional logit (McFadden 1974), fitted by Newton's method.

The chance that somebody chose this among what lay before him is exp(score) over the sum of exp(score) of all, a score being
the weighted sum of signals. The likelihood is concave: there is one best set of weights, found in a few steps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Signals = Sequence[float]

MOST_STEPS = 25
CLOSE_ENOUGH = 1e-6


@dataclass(frozen=True)
class Choice:
    """What was chosen, and what lay beside it and was not."""

    chosen: Signals
    passed_over: Sequence[Signals]


@dataclass(frozen=True)
class Fit:
    """Weights in the order of the signals; `log_likelihood` of the choices they were fitted to."""

    weights: tuple[float, ...]
    log_likelihood: float


def score(weights: Sequence[float], signals: Signals) -> float:
    """The weighted sum."""
    return sum(map(float.__mul__, weights, signals))


def fit_weights(choices: Sequence[Choice], *, ridge: float = 0.05) -> Fit:
    """The most likely weights; `ridge` keeps a signal that says nothing near zero. Raises ValueError without choices."""
    if not choices:
        raise ValueError("no choices to learn from")
    size = len(choices[0].chosen)
    # Only differences between signals count: what is shared by all that lay before somebody cancels out.
    differences = [
        [[one - mine for one, mine in zip(other, choice.chosen, strict=True)] for other in choice.passed_over]
        for choice in choices
    ]
    here = _look(differences, [0.0] * size, ridge)
    for _ in range(MOST_STEPS):
        step = _solve(here.curve, here.slope)
        there = _look(differences, _go(here.weights, step), ridge)
        # Where the curve bends otherwise than it seemed from here, Newton's step is too long.
        while there.worth < here.worth and max(map(abs, step)) > CLOSE_ENOUGH:
            step = [part / 2 for part in step]
            there = _look(differences, _go(here.weights, step), ridge)
        here = there
        if max(map(abs, step)) < CLOSE_ENOUGH:
            break
    penalty = ridge * sum(weight**2 for weight in here.weights)
    return Fit(weights=tuple(here.weights), log_likelihood=here.worth + penalty)


@dataclass(frozen=True)
class _View:
    """The likelihood less the ridge at some weights, its slope, and how it bends (negated: positive definite)."""

    weights: list[float]
    worth: float
    slope: list[float]
    curve: list[list[float]]


def _go(weights: list[float], step: list[float]) -> list[float]:
    return [weight + part for weight, part in zip(weights, step, strict=True)]


def _look(differences: list[list[list[float]]], weights: list[float], ridge: float) -> _View:
    size = len(weights)
    worth = -ridge * sum(weight**2 for weight in weights)
    slope = [-2 * ridge * weight for weight in weights]
    curve = [[2 * ridge if row == column else 0.0 for column in range(size)] for row in range(size)]
    for others in differences:
        worth += _add_choice(weights, others, slope, curve)
    return _View(weights, worth, slope, curve)


def _add_choice(
    weights: list[float], others: list[list[float]], slope: list[float], curve: list[list[float]]
) -> float:
    """Add one choice's part to slope and curve; its log-likelihood."""
    size = len(weights)
    scores = [score(weights, one) for one in others]
    top = max([0.0, *scores])  # taken out of every exponent: none overflows
    total = math.exp(-top)  # the chosen one: a score of no difference
    first = [0.0] * size
    second = [[0.0] * size for _ in range(size)]
    for one, own in zip(others, scores, strict=True):
        odds = math.exp(own - top)
        total += odds
        for row in range(size):
            part = odds * one[row]
            first[row] += part
            line = second[row]
            for column in range(row, size):
                line[column] += part * one[column]
    for row in range(size):
        mean = first[row] / total
        slope[row] -= mean
        for column in range(row, size):
            more = second[row][column] / total - mean * first[column] / total
            curve[row][column] += more
            if row != column:
                curve[column][row] += more
    return -top - math.log(total)


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss's elimination; the matrix is positive definite thanks to the ridge."""
    lines = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    size = len(lines)
    for place in range(size):
        pivot = max(range(place, size), key=lambda row: abs(lines[row][place]))
        lines[place], lines[pivot] = lines[pivot], lines[place]
        for row in range(place + 1, size):
            factor = lines[row][place] / lines[place][place]
            lines[row] = [one - factor * other for one, other in zip(lines[row], lines[place], strict=True)]
    solution = [0.0] * size
    for place in reversed(range(size)):
        known = sum(lines[place][after] * solution[after] for after in range(place + 1, size))
        solution[place] = (lines[place][size] - known) / lines[place][place]
    return solution
