"""How `flight-delay` is trained. Kept with each version, so that its log can train the next one.

This file is copied into the version's `code/` folder: it stands on its own.
"""

from typing import Any

SEED = 2013
NUMBERS = (
    "scheduled_minute",
    "weekday",
    "distance",
    "plane_age",
    "seats",
    "temperature",
    "dew_point",
    "wind_speed",
    "precipitation",
    "pressure",
    "visibility",
)
CATEGORIES = ("carrier", "origin", "destination")
# skops rebuilds boosted trees from this class. Reviewed: it keeps NumPy arrays (nodes, thresholds,
# bit sets) and its methods only walk them; it runs no code on loading.
TRUSTED_TYPES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
USUAL = {"learning_rate": 0.05, "max_leaf_nodes": 8, "max_iter": 100}


def features(rows: Any) -> Any:
    """What the model takes of a logged flight."""
    return rows[[*NUMBERS, *CATEGORIES]]


def fit(rows: Any, outcome: Any, *, parameters: dict[str, Any]) -> Any:
    """Boosted trees on these flights; parameters that are not named are the usual ones."""
    return boosted_trees(**parameters).fit(rows, outcome.astype("int64"))


def boosted_trees(**parameters: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline

    trees = HistGradientBoostingClassifier(**{**USUAL, **parameters}, random_state=SEED)
    return make_pipeline(prepared_for_trees(), trees)


def prepared_for_trees() -> Any:
    """Categories as codes, one never seen in training as missing; numbers as they are."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OrdinalEncoder, StandardScaler

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=float("nan"))
    # Scaling changes nothing for trees; `passthrough` would need a trusted function in skops.
    return ColumnTransformer(
        [("categories", codes, list(CATEGORIES)), ("numbers", StandardScaler(), list(NUMBERS))]
    )
