"""Pure numbers: arrays or counts in, frozen findings out.

The way through this package:

1. `reference.freeze` cuts the bins of every field once, from reference data (`Bins`).
2. `building.profile_predictions` and `building.profile_outcomes` count batches over these bins.
3. `profiles.merge` adds profiles, exactly and in any order; `storage` turns them into bytes.
4. `stability`, `quality`, `performance`, `calibration` and `fairness` measure merged profiles.
5. `multiplicity` and `verdict` judge the findings. A measure never knows a threshold.
"""
