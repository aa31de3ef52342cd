"""The product as it is served: gunicorn's workers, real parts, many people at once, and things that break."""
