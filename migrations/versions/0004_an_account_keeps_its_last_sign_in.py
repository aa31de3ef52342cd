"""an account keeps its last sign-in"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    """Add the moment of the last sign-in, as the history has it; and an index of the changes that were started."""
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
    """Take it back.

    Not in a batch: that would make `cms_user` anew, and SQLite would delete what refers to the rows of the old table.
    """
    op.drop_index('ix_email_change_is_assisted', 'email_change')
    op.drop_column('cms_user', 'signed_in_at')
