"""Metrics of the service and of the business: how it runs and what it is worth."""

from monitoring.metrics.metric import BOTH, DOWN, SHARE, UP, Metric

OPERATIONS = (
    Metric("error_rate", "error rate", "Share of predictions that report an error.", UP, SHARE),
    Metric("throughput", "throughput", "Predictions in an hour.", DOWN, "rows/h"),
    Metric("uptime", "uptime", "Share of the hours with traffic.", DOWN, SHARE),
    Metric("latency_mean", "mean latency", "Mean time to answer.", UP, "ms"),
    Metric("latency_p50", "median latency", "Half of the answers came faster.", UP, "ms"),
    Metric("latency_p95", "95 % latency", "95 % of the answers came faster.", UP, "ms"),
    Metric("latency_p99", "99 % latency", "99 % of the answers came faster.", UP, "ms"),
    Metric("longest_gap", "longest gap", "Longest time between two predictions.", UP, "s"),
    Metric(
        "gap_p99", "99 % gap", "99 % of the times between two predictions are shorter.", UP, "s"
    ),
    Metric("bytes_mean", "mean size", "Mean size of a request.", BOTH, "bytes"),
    Metric("cpu_mean", "CPU", "Mean CPU use that the server reports.", UP),
    Metric("memory_mean", "memory", "Mean memory use that the server reports.", UP),
    Metric("disk_mean", "disk", "Mean disk use that the server reports.", UP),
)

BUSINESS = (
    Metric(
        "value_per_decision",
        "value per decision",
        "Mean of the declared business value.",
        DOWN,
        "value",
    ),
    Metric(
        "value_total",
        "total value",
        "Sum of the declared business value in the window.",
        DOWN,
        "value",
    ),
)
