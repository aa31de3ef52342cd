"""an account keeps its time zone"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    """Add the time zone of the browser in which the password was proved last."""
    op.add_column('cms_user', sa.Column('time_zone', sa.String(length=64), nullable=True))


def downgrade() -> None:
    """Take it back.

    Not in a batch: that would make `cms_user` anew, and SQLite would delete what refers to the rows of the old table.
    """
    op.drop_column('cms_user', 'time_zone')
