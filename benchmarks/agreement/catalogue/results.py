"""Measures of results: performance, calibration, fairness, estimates before outcomes."""

from benchmarks.agreement.catalogue.measure import Measure, subject

FAIRLEARN = "Fairlearn 0.15.0: `benchmarks/peers/fairlearn_agreement.py` printed 5.3e-15 at most"
NANNYML = "NannyML 0.13.1: `make bench` printed a largest AUC gap of 0.0007 by day"

DECISIONS = subject(
    "Van Rijsbergen 1979; Matthews 1975",
    "performance/decisions",
    "test_performance",
    Measure("accuracy", "(TP + TN) / n", ("accuracy",)),
    Measure("precision", "TP / (TP + FP)", ("precision",)),
    Measure("recall", "TP / (TP + FN)", ("recall",)),
    Measure("specificity", "TN / (TN + FP)", ("specificity",)),
    Measure("f1", "2 TP / (2 TP + FN + FP)", ("f1",)),
    Measure("f_beta", "(1 + b²) TP / ((1 + b²) TP + b² FN + FP)", ("f_beta",), test="test_binary"),
    Measure(
        "mcc",
        "(TP TN − FP FN) / sqrt of the product of margins; several classes: R_K",
        ("mcc", "mcc, several classes"),
    ),
)

SCORES = subject(
    "DeLong et al. 1988; Hanley and McNeil 1982; Boyd et al. 2013",
    "performance/scores",
    "test_performance",
    Measure("roc_auc", "P(score of a positive > of a negative) + half the ties", ("roc_auc",)),
    Measure("gini", "2 AUC − 1", ("gini",)),
    Measure(
        "pr_auc", "sum (R(i) − R(i−1)) P(i), average precision", ("pr_auc",), test="test_binary"
    ),
    Measure("ks (score)", "max |TPR − FPR|", ("ks (score)",), test="test_binary"),
    Measure("log_loss", "−mean ln of the chance given to the outcome, exact sums", ("log_loss",)),
    Measure("brier", "mean (score − outcome)², exact sums", ("brier",)),
    Measure(
        "lift, gain",
        "positives among the top k / positives, ties shared out; lift = gain / k",
        ("lift",),
        source="Vuk and Curk 2006",
        module="performance/gains",
        test="test_binary",
    ),
)

CLASSES = subject(
    "Gorodkin 2004; Agresti, section 16.1",
    "performance/classes",
    "test_multiclass",
    Measure(
        "macro_, micro_, weighted_ averages",
        "mean of the classes, of all decisions, of the classes by their outcomes",
        ("macro, micro, weighted precision, recall, F1",),
    ),
    Measure("by class", "each class against the rest", ("each class against the rest",)),
    Measure(
        "macro_, weighted_roc_auc", "means of the classes' AUC", ("macro and weighted ROC AUC",)
    ),
    Measure(
        "log_loss, brier of several classes",
        "exact sums where kept; else bin centres with their bound",
        ("log loss from bins, several classes", "Brier from bins, several classes"),
    ),
)

ERRORS = subject(
    "Cohen et al. 2003; David and Nagaraja 2003",
    "performance/residuals",
    "test_performance",
    Measure("mae", "mean |r|, r = prediction − outcome", ("mae",)),
    Measure("rmse", "sqrt(mean r²)", ("rmse",)),
    Measure("r2", "1 − sum r² / sum (y − mean y)²", ("r2",)),
    Measure("mape", "mean |r| / |y| over y ≠ 0", ("mape",), test="test_regression"),
    Measure("bias", "mean r", ("bias",)),
    Measure(
        "quantiles of error",
        "p5, p50, p95 of r and |r|, linear inside a bin",
        ("quantiles of the error",),
        test="test_regression",
    ),
    Measure(
        "errors by component",
        "rows that name a stage as failed / rows with outcomes",
        beside="counts by hand",
        source="Agresti, section 3.5",
        module="components",
        test="test_components",
    ),
)

CALIBRATION = subject(
    "Naeini et al. 2015; Bröcker and Smith 2007; Murphy 1973",
    "calibration",
    "test_calibration",
    Measure(
        "reliability curve", "mean score and share of positives by bin", ("reliability curve",)
    ),
    Measure("ece", "sum n_b / n |o_b − s_b|", ("ece",)),
    Measure("mce", "max |o_b − s_b|", ("mce",)),
    Measure(
        "calibration_slope, calibration_intercept",
        "logit P = intercept + slope logit(score), maximum likelihood",
        ("calibration_slope", "calibration_intercept", "calibration slope and intercept"),
        source="Cox 1958",
        module="recalibration",
    ),
    Measure(
        "reliability, resolution, uncertainty",
        "Brier = reliability − resolution + uncertainty + what varies within bins",
        ("Brier decomposition, sum of parts",),
    ),
)

FAIRNESS = subject(
    "Hardt et al. 2016; 29 CFR 1607.4(D)",
    "fairness/gaps",
    "test_fairness",
    Measure(
        "rates of groups",
        "selection, base, TPR, FPR, FNR, precision, accuracy, FN / FP",
        ("rates of groups",),
        source="Hardt et al. 2016; Berk et al. 2021",
        module="fairness/rates",
    ),
    Measure("all rates and gaps", "the same definitions as Fairlearn's", beside=FAIRLEARN),
    Measure(
        "demographic_parity_difference",
        "selection rate: max − min",
        ("demographic_parity_difference", "demographic parity, p"),
    ),
    Measure(
        "demographic_parity_ratio",
        "selection rate: min / max (four-fifths)",
        ("demographic_parity_ratio",),
    ),
    Measure("equal_opportunity_difference", "TPR: max − min", ("equal_opportunity_difference",)),
    Measure(
        "equalized_odds_difference", "larger gap of TPR and FPR", ("equalized_odds_difference",)
    ),
    Measure("equalized_odds_ratio", "smaller ratio of TPR and FPR", ("equalized_odds_ratio",)),
    Measure("false_positive_difference", "FPR: max − min", ("false_positive_difference",)),
    Measure(
        "predictive_parity_difference", "precision: max − min", ("predictive_parity_difference",)
    ),
    Measure("accuracy_difference", "accuracy: max − min", ("accuracy_difference",)),
    Measure("base_rate_difference", "base rate: max − min", ("base_rate_difference",)),
    Measure(
        "treatment_equality_difference", "FN / FP: max − min", ("treatment_equality_difference",)
    ),
    Measure(
        "impact_ratio",
        "selection rate / highest rate (NYC LL144)",
        ("impact_ratio",),
        source="6 RCNY 5-300",
        module="fairness/ratios",
    ),
    Measure(
        "scored_impact_ratio",
        "share above the overall median / highest share",
        ("scored_impact_ratio, rate",),
        source="6 RCNY 5-300",
        module="fairness/ratios",
    ),
    Measure(
        "mae_difference, bias_difference, rmse_difference",
        "max − min of the errors by group; Welch's test of equal means",
        ("mae_, bias_difference", "rmse_difference"),
        beside="p: SciPy's Welch test, in the tests only (ln p within 1 %)",
        source="Welch 1951",
        module="fairness/means",
    ),
    Measure(
        "calibration_gap, calibration_difference",
        "mean (outcome − score) by group; max − min",
        beside="planted groups: 0.25 found within 0.01",
        source="Pleiss et al. 2017",
        module="fairness/means",
    ),
    Measure(
        "intervals, smallest_detectable",
        "multinomial bootstrap on the cube; gap found with power 0.8 at alpha 0.05",
        beside="simulation: coverage and power as said",
        module="fairness/sampling",
    ),
)

ESTIMATES = subject(
    "NannyML documentation; Guillory et al. 2021",
    "estimation",
    "test_estimation",
    Measure(
        "CBPE",
        "a row of bin b counts c_b as positive and 1 − c_b as negative",
        tuple(
            f"CBPE {name}"
            for name in (
                *("roc_auc", "accuracy", "precision", "recall", "specificity", "f1", "brier"),
            )
        ),
    ),
    Measure(
        "CBPE chances",
        "isotonic regression on the reference, only where it lowers held-out ECE",
        ("CBPE chances",),
        source="Zadrozny and Elkan 2002",
        module="chances",
    ),
    Measure("CBPE beside NannyML", "ROC AUC by day on the data of the benchmark", beside=NANNYML),
    Measure(
        "CBPE of several classes",
        "macro one-vs-rest AUC; accuracy from the highest scores of each class",
        beside="simulation: realised value in the interval as often as said",
    ),
    Measure(
        "DLE mae, rmse",
        "constant + sum of (share in cell × ridge effect of cell)",
        ("DLE mae, rmse",),
        source="NannyML documentation; Hoerl and Kennard 1970",
        module="loss_estimation",
        test="test_loss_estimation",
    ),
    Measure(
        "estimate_invalid",
        "realised value contradicts it, or rows lie outside the reference's support",
        beside="simulation: true estimates are contradicted in at most 4 of 150",
        source="NannyML documentation, assumptions",
        module="trust",
    ),
)

RESULTS = (*DECISIONS, *SCORES, *CLASSES, *ERRORS, *CALIBRATION, *FAIRNESS, *ESTIMATES)
