"""time zone of accounts"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    """Add the time zone of the browser in which the password was last confirmed."""
    op.add_column('cms_user', sa.Column('time_zone', sa.String(length=64), nullable=True))


def downgrade() -> None:
    """Drop the column.

    Not in a batch: it would recreate `cms_user`, and SQLite would delete the rows that refer to the old table.
    """
    op.drop_column('cms_user', 'time_zone')
