"""Use cases: one module for each page, named as the page."""
