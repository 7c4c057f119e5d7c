"""Measures of inputs: distances, shifts, several features together, novelty, faults."""

from benchmarks.agreement.catalogue.measure import Measure, subject

LEVEL = "simulation: keeps its level without change"

DISTANCES = subject(
    "Lin 1991; Siddiqi 2006; Cramér 1946",
    "stability",
    "test_stability",
    Measure(
        "psi",
        "sum (q − p) ln(q / p) over deciles, mass points, null, out of range; shares ≥ 1e-4",
        ("psi",),
    ),
    Measure("kl", "sum p ln(p / q), reference to current, shares ≥ 1e-4", ("kl",)),
    Measure(
        "js_distance",
        "sqrt of (KL(p, m) + KL(q, m)) / 2, m = (p + q) / 2, base 2",
        ("js_distance",),
    ),
    Measure("hellinger", "sqrt(sum (sqrt p − sqrt q)² / 2)", ("hellinger",)),
    Measure("total_variation", "sum |p − q| / 2", ("total_variation",)),
    Measure("l_infinity", "max |p − q|", ("l_infinity",)),
    Measure(
        "chi_square",
        "2 × cells, sum (O − E)² / E, p by draws where a cell expects < 5, else from SciPy itself",
        ("chi_square", "chi_square, p"),
    ),
    Measure("Cramér's V", "sqrt(chi² / rows), the effect of chi_square", ("cramers_v",)),
    Measure(
        "p-value of the distances",
        "permutation moments of chi² given all totals, Pearson III tail",
        beside="simulation: windows without change, by size and cells; one exception below",
        source="Yurdakul and Naranjo 2020; Haldane 1940; Dawson 1954",
        module="null",
        test="test_null",
    ),
    Measure(
        "sparse tables",
        "Fisher for two cells (SciPy's function); else (tables at least as far + 1) / (draws + 1)",
        ("sparse table, 2 cells, p", "sparse table, more cells, p"),
        source="Hope 1968",
        module="contingency",
        test="test_contingency",
    ),
)

ORDERED = subject(
    "Hodges 1958; Welch 1947; O'Brien 1981",
    "ordered",
    "test_stability",
    Measure(
        "ks_exact",
        "sup |F − G| of raw values, ties once; p exact up to 10,000 rows (SciPy's), else Smirnov's",
        ("ks_exact", "ks_exact, p"),
        source="Hodges 1958; Simard and L'Ecuyer 2011",
        module="raw",
        test="test_raw",
    ),
    Measure("ks", "max |F − G| at the frozen cuts, with the bound on what bins may hide", ("ks",)),
    Measure("wasserstein", "integral |F − G| dx / reference sd", ("wasserstein",)),
    Measure(
        "mean_change",
        "(mean − reference mean) / reference sd",
        ("mean_change", "mean_change, error"),
    ),
    Measure("sd_change", "ln(sd / reference sd), error by kurtosis", ("sd_change",)),
    Measure(
        "cramer_von_mises",
        "mean of (F − G)² over the pooled values; T is nm/(n + m) times it",
        ("cramer_von_mises, criterion T", "cramer_von_mises, p"),
        source="Anderson 1962",
        module="areas",
        test="test_areas",
    ),
    Measure(
        "energy",
        "sqrt(2 integral (F − G)² dx / reference sd); p by the tail of the bridge",
        ("energy",),
        source="Székely and Rizzo 2013; Zolotarev 1961",
        module="areas",
        test="test_areas",
    ),
)

SHIFTS = subject(
    "Mann and Whitney 1947; Mood 1954; Wise 1954",
    "shifts",
    "test_shifts",
    Measure(
        "level_shift",
        "sqrt 2 · normal quantile of P(X < Y) + P(X = Y) / 2; midrank test",
        ("level_shift, p", "level_shift, effect"),
    ),
    Measure(
        "spread_shift",
        "test of squared distances from the middle rank; ln of the ratio of normal deviations",
        ("spread_shift, p", "spread_shift, effect"),
    ),
    Measure(
        "cell_shift, value_shift",
        "largest change of one cell's share; hypergeometric tail by Wise, × number of cells",
        ("cell_shift, value_shift: p / exact p",),
    ),
    Measure(
        "sentinels",
        "share of each mass point; new mass: a bin 1 % of rows above what its neighbours suggest",
        beside="planted sentinels found, shifts not taken for one",
        source="Siddiqi 2006",
        module="sentinels",
        test="test_sentinels",
    ),
)

JOINT = subject(
    "Fisher 1921; Jackson and Mudholkar 1979",
    "moments",
    "test_moments",
    Measure(
        "correlation_change",
        "largest |r − r of the reference| over pairs; Fisher's z, Bonferroni",
        ("correlation_change",),
    ),
    Measure(
        "pca_error",
        "mean squared distance from the reference's leading components / the reference's own",
        ("pca_error",),
    ),
    Measure(
        "domain_classifier",
        "cross-fitted AUC of ridge logistic regression, window against reference; DeLong's error",
        ("domain_classifier, coefficients", "domain_classifier, AUC"),
        source="Lopez-Paz and Oquab 2017; DeLong et al. 1988",
        module="multivariate",
        test="test_multivariate",
    ),
    Measure(
        "novel_share",
        "share of rows with an unseen category or a value out of range",
        beside="rows counted by hand; SciPy's Fisher test",
        source="Agresti, section 3.5",
        module="novelty",
        test="test_novelty",
    ),
    Measure(
        "distant_share",
        "share of complete rows with (z − m)' S⁻¹ (z − m) beyond the reference's 99.9 %",
        ("distant_share, d²",),
        source="Mahalanobis 1936; Ledoit and Wolf 2004",
        module="novelty",
        test="test_novelty",
    ),
)

QUALITY = subject(
    "Wilson 1927; Agresti, section 3.5",
    "quality",
    "test_performance",
    Measure(
        "missing_share, out_of_range_share, unseen_share",
        "hits / rows, Wilson's interval; Fisher below 20 expected, else two proportions",
        ("shares, interval", "shares, p"),
    ),
    Measure(
        "volume",
        "sqrt(rows) against the reference's windows of equal length, t prediction interval",
        beside="planted silences found; no oracle",
        source="Anscombe 1948",
    ),
    Measure(
        "schema change, pattern_share, type_share, duplicates, freshness",
        "0 or 1 by field; misses / texts; repeated ids / rows; p = exp(−age / usual gap)",
        beside="counts by hand; SciPy's Fisher test",
        module="structure",
        test="test_quality",
    ),
    Measure(
        "Benjamini–Hochberg",
        "smallest over j ≥ i of p(j) m / j within one run",
        ("Benjamini–Hochberg",),
        source="Benjamini and Hochberg 1995",
        module="multiplicity",
        test="test_multiplicity",
    ),
    Measure(
        "means of few rows",
        "Welch's t with Satterthwaite's degrees of freedom",
        ("means of few rows, p",),
        source="Welch 1947",
        module="intervals",
        test="test_operations",
    ),
    Measure(
        "images",
        "brightness mean Y / 255, contrast sd Y / 255, sharpness variance of the Laplacian of Y",
        ("image brightness, contrast", "image sharpness"),
        source="ITU-R BT.601; Pech-Pacheco et al. 2000",
        module="unstructured",
        test="test_unstructured",
    ),
    Measure(
        "texts, embeddings",
        "length, shares, language, unknown words; norm, cosine, 16 fixed projections",
        beside="counts by hand; projections keep squared distances on average",
        source="Johnson and Lindenstrauss 1984",
        module="unstructured",
        test="test_unstructured",
    ),
)

INPUTS = (*DISTANCES, *ORDERED, *SHIFTS, *JOINT, *QUALITY)
