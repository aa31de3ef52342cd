"""The tests: a file a room, and `stories/` over HTTP with nothing of ours replaced but the clock."""
