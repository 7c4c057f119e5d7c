"""Sequential: many looks at the same monitor, and still the declared number of false alarms.

Definition
    The rule is one line: every look gets an equal share of the monitor's false alarms. It is spent
    on the *alarm*, which k of n windows raise, and not on the single window: where k > 1 a window
    may be judged at a larger alpha, because k of n windows are wrong together more rarely than one.

        P(alarm at a look) = E over s of  p(s) * P(Binomial(n - 1, p(s)) >= k - 1)

    where p(s) is the chance of one window given what it shares with the others. Windows share
    the reference, and sliding ones rows too. Of window rows n, reference rows m and an overlap o of
    neighbouring windows, their test statistics correlate by (o/n + 1/m) / (1/n + 1/m). Without
    anything shared p(s) is alpha and the formula is exact; else it takes normal statistics that all
    correlate as much as neighbours do, which bounds the chance from above.

    By linearity of expectation, looks * P(alarm at a look) bounds the expected number of alarms
    that open in a period, however windows depend on each other. Equal shares were chosen over
    spending functions and e-values: monitors run without end, the calendar of looks is known, and
    a normal test pays for a hundred times smaller alpha with a threshold of 4.4 instead of 3.1
    standard errors, whereas an e-value pays more at every look. All settings stay comparable.

Example
    >>> round(alarm_probability(0.01), 6), round(alarm_probability(0.01, open_after=(2, 3)), 6)
    (0.01, 0.000199)

Source
    Dunn (1961), JASA 56:52, on equal shares; Owen (1980), Communications in Statistics B 9:389, on
    the normal integrals; Robbins (1970), Annals of Mathematical Statistics 41:1397, on the
    alternative.
"""

import numpy as np
from scipy import optimize, special, stats

OpenAfter = tuple[int, int]
AT_ONCE: OpenAfter = (1, 1)
MOST = 0.05
SHARED = np.arange(-900, 901) / 100
DENSITY = np.exp(-(SHARED**2) / 2) / (2 * np.pi) ** 0.5 / 100


def correlation(*, rows: float, reference_rows: float, overlap: float = 0.0) -> float:
    """Return how much the test statistics of neighbouring windows correlate, 0 to 1.

    `overlap` is the share of rows that neighbouring windows have in common. ValueError where a
    size is not positive, or the overlap not in [0, 1].
    """
    if rows <= 0 or reference_rows <= 0 or not 0 <= overlap <= 1:
        raise ValueError(
            f"Sizes must be positive and the overlap between 0 and 1: {rows}, {reference_rows}, "
            f"{overlap}."
        )
    return (overlap / rows + 1 / reference_rows) / (1 / rows + 1 / reference_rows)


def alarm_probability(
    alpha: float, *, open_after: OpenAfter = AT_ONCE, correlated: float = 0.0
) -> float:
    """Return the chance that a look raises an alarm though nothing has changed.

    `open_after=(k, n)`: it takes this window and at least k - 1 of the n - 1 before it. ValueError
    where 1 <= k <= n, 0 <= alpha <= 1 or 0 <= correlated <= 1 does not hold.
    """
    needed, of = open_after
    if not 1 <= needed <= of or not 0 <= alpha <= 1 or not 0 <= correlated <= 1:
        raise ValueError(f"Not k of n, a probability and a correlation: {open_after}, {alpha}.")
    if needed == 1 or alpha in {0.0, 1.0} or correlated > 1 - 1e-9:
        return alpha
    if correlated <= 0:
        return float(alpha * stats.binom.sf(needed - 2, of - 1, alpha))
    return _shared(alpha, needed, of, correlated)


def alpha_per_look(
    false_alarms: float,
    looks: float,
    *,
    open_after: OpenAfter = AT_ONCE,
    correlated: float = 0.0,
    most: float = MOST,
) -> float:
    """Return the largest alpha of a window that keeps to `false_alarms` over so many looks.

    At most `most`; 0 where there is no look. Example: one twelfth of a false alarm over 13 weekly
    looks gives 0.0064 at once, and more where two windows must agree.
    """
    if looks <= 0 or false_alarms <= 0:
        return 0.0
    share = false_alarms / looks

    def excess(alpha: float) -> float:
        return alarm_probability(alpha, open_after=open_after, correlated=correlated) - share

    if open_after[0] == 1:
        return min(most, share)
    if excess(most) <= 0:
        return most
    return float(optimize.brentq(excess, 0.0, most, xtol=1e-12))


def expected_alarms(
    alpha: float,
    looks: float,
    *,
    open_after: OpenAfter = AT_ONCE,
    correlated: float = 0.0,
    beyond: float = 1.0,
) -> float:
    """Return the bound on the expected number of false alarms over so many looks.

    `beyond` is the chance that sampling alone passes the practical minimum (`chance_beyond`, times
    the number of fields): an alarm needs both keys, so that it cannot be likelier than either.
    """
    window = min(alpha, max(beyond, 0.0))
    return looks * alarm_probability(window, open_after=open_after, correlated=correlated)


def chance_beyond(minimum: float, standard_error: float, *, fields: int = 1) -> float:
    """Return the chance that any of the fields passes a practical minimum by sampling alone.

    Of effects that are normal around zero with this standard error under "nothing has changed".
    """
    if standard_error <= 0:
        return 0.0 if minimum > 0 else 1.0
    one = 2 * float(special.ndtr(-abs(minimum) / standard_error))
    return min(1.0, fields * one)


def _shared(alpha: float, needed: int, of: int, correlated: float) -> float:
    """Integrate over what the windows share, in steps of a hundredth from -9 to 9."""
    limit = -float(special.ndtri(alpha / 2))
    own = (1 - correlated) ** 0.5
    up, down = (special.ndtr(-(limit - sign * correlated**0.5 * SHARED) / own) for sign in (1, -1))
    one = np.minimum(up + down, 1.0)
    # Of k - 1 or more among n - 1: the binomial tail as an incomplete beta function.
    together = one * special.betainc(needed - 1, of - needed + 1, one)
    return min(alpha, float(together @ DENSITY))
