"""What several tests of statistics share."""

from mpmath import mp, mpf
from scipy import stats


def exact_quantile(level, degrees):
    """Return the two-sided quantile of Student's t from the incomplete beta function."""
    with mp.workdps(30):
        return mp.findroot(
            lambda t: (
                mp.betainc(mpf(degrees) / 2, 0.5, 0, degrees / (degrees + t * t), regularized=True)
                - (1 - mpf(level))
            ),
            stats.t.isf((1 - level) / 2, degrees),
        )
