"""What dashboards show of one version: bounded numbers by a bounded number of queries."""
