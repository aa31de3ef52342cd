"""ties of cut histories, and when an account was erased"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'


def upgrade() -> None:
    """Add the time of an erasure, and the table of the ties of histories whose oldest rows were exported.

    Both are unused until a command or a setting of this version uses them, so that the previous one serves meanwhile.
    """
    op.add_column('cms_user', sa.Column('erased_at', sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        'audit_tie',
        sa.Column('user_id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('chain', sa.String(length=64), nullable=False),
        sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('exported_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('file', sa.String(length=100), nullable=False),
        sa.Column('key_id', sa.String(length=8), nullable=False),
        sa.Column('signature', sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['cms_user.id'], name=op.f('fk_audit_tie_user_id')),
        sa.PrimaryKeyConstraint('user_id', name=op.f('pk_audit_tie')),
    )


def downgrade() -> None:
    """Drop both. The previous version reports every history as incomplete whose oldest rows were exported."""
    op.drop_table('audit_tie')
    op.drop_column('cms_user', 'erased_at')
