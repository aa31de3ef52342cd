"""index of superusers"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'

NAME = 'ix_cms_user_is_superuser'


def upgrade() -> None:
    """Create an index of the superusers, who are few: without it all accounts were read to find them."""
    with op.get_context().autocommit_block():
        op.drop_index(NAME, 'cms_user', if_exists=True, postgresql_concurrently=True)
        op.create_index(
            NAME,
            'cms_user',
            ['id'],
            sqlite_where=sa.text('is_superuser = 1'),
            postgresql_where=sa.text('is_superuser'),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    """Drop the index."""
    op.drop_index(NAME, 'cms_user')
