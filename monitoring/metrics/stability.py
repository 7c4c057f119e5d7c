"""Metrics of the data: quality, drift and novelty."""

from monitoring.metrics.metric import BOTH, SD, SHARE, UP, Metric

DRIFT = (
    Metric(
        "psi",
        "PSI",
        "Population stability index: how far the shares of a field's bins have"
        " moved from the reference. 0 is the same distribution.",
        UP,
    ),
    Metric(
        "js_distance",
        "Jensen–Shannon distance",
        "Distance between the window and the"
        " reference: 0 is the same distribution, 1 has nothing in common.",
        UP,
    ),
    Metric(
        "kl",
        "KL divergence",
        "How surprising the window is to somebody who expects the reference, in nats.",
        UP,
    ),
    Metric(
        "hellinger",
        "Hellinger distance",
        "Distance between the window and the reference, 0 to 1.",
        UP,
    ),
    Metric(
        "total_variation",
        "total variation",
        "The share of rows that would have to move to make the window look like the reference.",
        UP,
    ),
    Metric(
        "l_infinity",
        "largest change of a share",
        "The largest change of any one bin's or category's share.",
        UP,
    ),
    Metric(
        "ks",
        "KS distance",
        "Kolmogorov–Smirnov: the largest gap between two cumulative distributions, 0 to 1.",
        UP,
    ),
    Metric(
        "wasserstein",
        "Wasserstein distance",
        "How far values moved on average, in standard deviations of the reference.",
        UP,
        SD,
    ),
    Metric(
        "cramer_von_mises",
        "Cramér–von Mises distance",
        "Mean squared gap between two cumulative distributions.",
        UP,
    ),
    Metric(
        "energy",
        "energy distance",
        "How far two distributions are apart, in standard deviations of the reference.",
        UP,
        SD,
    ),
    Metric(
        "chi_square",
        "Cramér's V",
        "Strength of the association between category and window,"
        " 0 to 1, from the contingency chi-square test.",
        UP,
    ),
    Metric(
        "shift",
        "shift",
        "Small real changes, tested together: the level or the spread of numbers, the share of one"
        " category. Each has thresholds of its own.",
        BOTH,
        parts=("level_shift", "spread_shift", "cell_shift"),
    ),
    Metric(
        "level_shift",
        "shift of the level",
        "How far the values of a field moved as a whole, in standard deviations of a normal field.",
        BOTH,
        SD,
    ),
    Metric(
        "spread_shift",
        "shift of the spread",
        "Natural logarithm of how much wider or narrower the values of a field are spread.",
        BOTH,
    ),
    Metric(
        "cell_shift",
        "shift of a category",
        "Share of the one category that changed most, against the reference; a rare one that halves"
        " counts.",
        BOTH,
        SHARE,
    ),
    Metric(
        "correlation_change",
        "change of correlation",
        "Largest change of the correlation of any two numeric features.",
        UP,
    ),
    Metric(
        "pca_error",
        "reconstruction error",
        "Error of rebuilding the rows from the principal"
        " components of the reference, relative to the reference.",
        UP,
    ),
    Metric(
        "domain_classifier",
        "domain classifier AUC",
        "How well a classifier tells rows of the"
        " window from rows of the reference: 0.5 is not at all.",
        UP,
    ),
)

QUALITY = (
    Metric(
        "faults",
        "faulty values",
        "Shares of rows that are missing, out of the declared range,"
        " or of a category that the reference never saw, or one single value such as −999.",
        UP,
        SHARE,
        parts=("missing_share", "out_of_range_share", "unseen_share", "value_shift"),
    ),
    Metric(
        "mass_points",
        "sentinel values",
        "Share of one single value, such as 0 or −999, where the reference had fewer or none.",
        UP,
        SHARE,
    ),
    Metric(
        "pattern",
        "texts off the pattern",
        "Share of texts that do not match the pattern that the schema declares.",
        UP,
        SHARE,
    ),
    Metric(
        "uniqueness", "repeated rows", "Share of rows that were sent more than once.", UP, SHARE
    ),
    Metric(
        "freshness",
        "age of the newest row",
        "Hours between the newest row and the end of the window.",
        UP,
        "hours",
    ),
    Metric(
        "volume",
        "rows per window",
        "Rows in a window, against earlier windows of the same length.",
        BOTH,
        "rows",
    ),
    Metric(
        "schema_change",
        "changed fields",
        "Fields that became empty or came back, against the reference.",
        UP,
        "fields",
    ),
)

NOVELTY = (
    Metric(
        "novel_share",
        "novel rows",
        "Share of rows with a category that the reference never saw or a value out of range.",
        UP,
        SHARE,
    ),
    Metric(
        "distant_share",
        "distant rows",
        "Share of rows farther from the reference's centre"
        " than 99.9 % of its own rows (Mahalanobis distance).",
        UP,
        SHARE,
    ),
)
