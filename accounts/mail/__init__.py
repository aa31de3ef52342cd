"""Mail: what it says, the outbox that keeps it, and its delivery."""
