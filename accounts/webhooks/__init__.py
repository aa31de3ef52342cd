"""Webhooks: every change of an account is told to the receivers in WEBHOOKS (docs/webhooks.md)."""
