"""Tests with Chromium and gunicorn, in both languages."""
