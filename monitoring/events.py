from enum import StrEnum


class MonitoringEvent(StrEnum):
    MONITOR_CREATED = "monitoring.monitor.created"
    MONITOR_CHANGED = "monitoring.monitor.changed"
    BUDGET_CHANGED = "monitoring.budget.changed"
    INCIDENT_OPENED = "monitoring.incident.opened"
    INCIDENT_ACKNOWLEDGED = "monitoring.incident.acknowledged"
    INCIDENT_RESOLVED = "monitoring.incident.resolved"
    INCIDENT_NOTED = "monitoring.incident.noted"
    INCIDENT_HANDED_OVER = "monitoring.incident.handed_over"
    EXPERIMENT_DECLARED = "monitoring.experiment.declared"
    EXPERIMENT_STOPPED = "monitoring.experiment.stopped"
    EXPERIMENT_CONCLUDED = "monitoring.experiment.concluded"
    BATCH_RECEIVED = "monitoring.batch.received"
