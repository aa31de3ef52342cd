"""last sign-in of accounts"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    """Add the time of the last sign-in, taken from the history, and an index of started changes."""
    op.add_column('cms_user', sa.Column('signed_in_at', sa.DateTime(timezone=True), nullable=True))
    op.execute(
        sa.text(
            "UPDATE cms_user SET signed_in_at = (SELECT MAX(audit.at) FROM audit "
            "WHERE audit.user_id = cms_user.id AND audit.event = 'signed_in')"
        )
    )
    op.create_index(
        'ix_email_change_is_assisted',
        'email_change',
        ['asked_at', 'id'],
        sqlite_where=sa.text('is_assisted = 1'),
        postgresql_where=sa.text('is_assisted'),
    )


def downgrade() -> None:
    """Drop the index and the column.

    Not in a batch: it would recreate `cms_user`, and SQLite would delete the rows that refer to the old table.
    """
    op.drop_index('ix_email_change_is_assisted', 'email_change')
    op.drop_column('cms_user', 'signed_in_at')
