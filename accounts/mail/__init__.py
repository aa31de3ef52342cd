"""Mail: its content, the outbox, and delivery."""
