"""The heart: it decides, and knows no HTTP. A module a story; errors are raised, sentences are not known here."""
