"""Tests over HTTP in both environments; nothing of the application is replaced except the clock."""
