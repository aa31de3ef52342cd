"""Use cases: one module for each page, named as the page, and `completion`, which two of them share."""
