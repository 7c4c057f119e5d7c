"""Retraining: what starts one, and the steps that it goes through, each a job of the ledger."""
