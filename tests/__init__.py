"""The tests: one file per module, `stories/` over HTTP, `live/` with real processes, `browser/` with Chromium."""
