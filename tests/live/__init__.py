"""Tests with gunicorn and real servers: concurrent requests and failures."""
