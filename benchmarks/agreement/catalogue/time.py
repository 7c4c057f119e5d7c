"""Measures over time and of use: concept, operations, value, experiments, causes, looks."""

from benchmarks.agreement.catalogue.measure import Measure, subject

CONCEPT = subject(
    "Bifet and Gavaldà 2007; Page 1954; Hinkley 1971",
    "streams",
    "test_streams",
    Measure(
        "ADWIN",
        "cut while |mean0 − mean1| > sqrt(2 v d / m) + 2 d / (3 m); differing detections",
        ("ADWIN, detections", "ADWIN, width", "ADWIN, estimation"),
    ),
    Measure(
        "Page–Hinkley",
        "sum of deviations leaves its own extreme by the threshold; differing detections",
        ("Page–Hinkley, detections",),
    ),
    Measure(
        "error_rate_change, error_size_change",
        "ADWIN's finding, confirmed by a permutation of days' blocks",
        beside="simulation: keeps its level; planted hour found within 12",
        source="Carlstein 1986",
    ),
    Measure(
        "shape",
        "constant, step, ramp, line or step and return, smallest n ln(SSE / n) + k ln n",
        ("shape: size of a sudden change",),
        beside="planted shapes: at least 17 of 20 of each kind found",
        source="Schwarz 1978; Raftery 1995",
        module="shapes",
        test="test_shapes",
    ),
    Measure(
        "trend",
        "median of the slopes of all pairs; said only if better than “no change” on its past",
        ("trend, slope", "trend, level"),
        source="Sen 1968; Hamed and Rao 1998",
        module="trend",
        test="test_trend",
    ),
)

SERVICE = subject(
    "David and Nagaraja 2003; Mood 1950",
    "operations",
    "test_operations",
    Measure("error_rate", "rows that report an error / rows", ("error_rate",)),
    Measure(
        "latency, bytes, cpu, memory, disk",
        "mean from exact sums; the largest beside it",
        ("latency and resources, mean",),
    ),
    Measure(
        "latency_p50, p95, p99, gap_p99",
        "quantile of 20 bins a decade, log-linear inside a bin",
        ("latency p50, p95, p99 (ms); gap p99 (s)",),
    ),
    Measure("longest_gap", "longest time between rows, seconds", ("longest_gap",)),
    Measure(
        "throughput",
        "rows / hours, tested as volume",
        beside="counts by hand; no oracle of its test",
    ),
    Measure("uptime", "hours with traffic / hours; Poisson silence", ("uptime, p",)),
    Measure(
        "value_per_decision, value_total",
        "mean and sum of the declared value, against target or reference",
        ("value_per_decision, value_total", "value_per_decision, p"),
        source="Cochran 1977",
        module="business",
        test="test_business",
    ),
    Measure(
        "agreement_share, cohen_kappa",
        "p_o; (p_o − p_e) / (1 − p_e), true against natural or proxy outcomes",
        ("agreement_share", "cohen_kappa"),
        source="Cohen 1960; Fleiss et al. 1969",
        module="agreement",
        test="test_agreement",
    ),
    Measure(
        "agreement_correlation, agreement_difference",
        "Pearson's r; mean other − true",
        ("agreement_correlation", "agreement_difference"),
        source="Fisher 1921",
        module="agreement",
        test="test_agreement",
    ),
)

EXPERIMENTS = subject(
    "Newcombe 1998; Welch 1947; McNemar 1947",
    "experiments/arms",
    "test_experiments",
    Measure("share_difference", "p1 − p0; Fisher", ("two proportions, p",)),
    Measure("mean_difference", "mean1 − mean0; Welch", ("mean difference, p and interval",)),
    Measure("sample_ratio_mismatch", "sum (O − E)² / E of arms", ("sample ratio, p",)),
    Measure(
        "paired_difference",
        "mean (shadow − champion); paired t",
        ("paired difference, value and p",),
        module="experiments/shadow",
    ),
    Measure(
        "McNemar",
        "exact binomial below 20, else (b − c)² / (b + c)",
        ("McNemar, few rows, p",),
        module="experiments/shadow",
    ),
    Measure(
        "disagreement_share",
        "unequal answers / rows of each segment, against the rest; Benjamini–Hochberg",
        beside="SciPy's false_discovery_control, in the tests only",
        module="experiments/shadow",
    ),
    Measure(
        "always-valid intervals",
        "Beta(1/2, 1/2) mixture of likelihood ratios ≥ 1 / alpha",
        ("always-valid evidence",),
        beside="simulation: 40 to 50 looks keep alpha",
        source="Robbins 1970; Howard et al. 2021",
        module="experiments/sequences",
    ),
)

CAUSES = subject(
    "Kitagawa 1955",
    "root_cause",
    "test_root_cause",
    Measure(
        "segments",
        "mix (w1 − w0)((r0 + r1) / 2 − R) + within (r1 − r0)(w0 + w1) / 2",
        ("Kitagawa, mix + within",),
    ),
    Measure(
        "features, faults",
        "drift × |importance| / its sum; (mean of all − mean without the fault), after − before",
        beside="worked by hand",
    ),
    Measure(
        "worst segments",
        "one half of the rows finds, the other tests; Benjamini–Hochberg",
        ("worst segments, p",),
        beside="simulation: false discoveries keep the level",
        source="Cox 1975; Chung et al. 2019",
        module="worst_segments/search",
        test="test_worst_segments",
    ),
)

LOOKS = subject(
    "Dunn 1961; Owen 1980",
    "sequential",
    "test_sequential",
    Measure(
        "alpha per look",
        "alpha P(Binomial(n − 1, alpha) ≥ k − 1), a bound where windows share rows",
        ("alarm after k of n windows",),
    ),
    Measure(
        "phases",
        "window against sum w p over phases of the week, worth 1 / sum(w² / m) rows",
        beside="simulation: keeps its level; planted seasons chosen",
        source="Cochran 1954; Kish 1965",
        module="phases",
        test="test_phases",
    ),
)

TIME = (*CONCEPT, *SERVICE, *EXPERIMENTS, *CAUSES, *LOOKS)
