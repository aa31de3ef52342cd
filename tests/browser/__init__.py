"""The product as a person meets it: a real Chromium before real workers, in both languages."""
