"""Second factors: passkeys, authenticator apps and recovery codes. Each module owns its rows; flows combine them."""
