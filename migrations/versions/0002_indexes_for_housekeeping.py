"""indexes for housekeeping, and for the list of invitations"""

from alembic import op

revision = '0002'
down_revision = '0001'

INDEXES = (
    ('email_change', ['expires_at']),
    ('email_change', ['mail_id']),  # Deleting a mail sets this to NULL: without an index it scans the table.
    ('invitation', ['created_at']),
    ('invitation', ['expires_at']),
    ('link', ['ended_at']),
    ('link', ['expires_at']),
    ('login_session', ['remembered', 'created_at']),
    ('login_session', ['remembered', 'seen_at']),
    ('mail', ['done_at']),
)


def upgrade() -> None:
    """Create the indexes; on SQLite an interrupted migration may have left some of them."""
    for table, columns in INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns, if_not_exists=True)


def downgrade() -> None:
    """Drop the indexes."""
    for table, columns in reversed(INDEXES):
        op.drop_index(f"ix_{table}_{'_'.join(columns)}", table)
