"""How likely chance alone is to reach a statistic of random signs: bounds that hold whatever the signs are multiplied
with, so that a p-value needs no model of pictures. All in natural logarithms.
"""

import math


def log_tail(z: float) -> float:
    """Natural logarithm of a bound on P(S >= z), S = sum of a_i s_i over the root of the sum of a_i², signs s_i random.

    Whatever the a_i: 3.18 times the normal tail (Bentkus and Dzindzalieta 2015), which lies below exp(-z²/2) / (z root
    2 pi).
    """
    if z <= 0:
        return 0.0
    far = -z * z / 2 - math.log(z * math.sqrt(2 * math.pi))
    return min(math.log(3.18) + (far if z > 30 else math.log(math.erfc(z / math.sqrt(2)) / 2)), 0.0)


def log_energy_tail(energy: float, count: int) -> float:
    """The same for the sum of `count` squares of such S with signs of their own.

    E exp(l S²) <= (1 - 2l)^(-1/2), as for a normal variable, because S = g S' in mean has a moment-generating function
    below the normal one; Markov's inequality with the best l then gives the bound of the chi-squared distribution.
    """
    return min(-(energy - count - count * math.log(energy / count)) / 2, 0.0) if energy > count else 0.0


def log_joint_tail(first: float, second: float) -> float:
    """The same for two independent p-values, given as logarithms, multiplied with one another (Fisher 1925)."""
    both = -first - second
    return math.log1p(both) - both
