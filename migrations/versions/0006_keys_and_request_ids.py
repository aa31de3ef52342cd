"""keys of rows and sessions, and request ids of rows"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'


def upgrade() -> None:
    """Add the ids of the keys that signed a row of the history and a cookie, and the id of the request of a row.

    The columns are nullable and have no default: the tables are not rewritten, and the previous version of the
    application writes meanwhile.
    """
    op.add_column('audit', sa.Column('key_id', sa.String(length=8), nullable=True))
    op.add_column('audit', sa.Column('request_id', sa.String(length=64), nullable=True))
    op.add_column('login_session', sa.Column('key_id', sa.String(length=8), nullable=True))


def downgrade() -> None:
    """Drop the columns. Rows with a request id do not pass the verification of the previous version.

    Not in a batch: on SQLite a batch recreates the table, and other tables refer to its rows.
    """
    op.drop_column('login_session', 'key_id')
    op.drop_column('audit', 'request_id')
    op.drop_column('audit', 'key_id')
