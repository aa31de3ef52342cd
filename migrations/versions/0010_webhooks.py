"""webhooks"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'


def upgrade() -> None:
    """Add the tables of webhooks, and to accounts the number of their last event.

    The previous version changes accounts without events: they are complete when every node runs this version.
    """
    moment = sa.DateTime(timezone=True)
    op.add_column('cms_user', sa.Column('webhook_events', sa.Integer(), server_default='0', nullable=False))
    op.create_table(
        'webhook_event',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('message_id', sa.String(length=40), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('type', sa.String(length=40), nullable=False),
        sa.Column('at', moment, nullable=False),
        sa.Column('payload', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['cms_user.id'], name='fk_webhook_event_user_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name='pk_webhook_event'),
        sa.UniqueConstraint('message_id', name='uq_webhook_event_message_id'),
        sa.UniqueConstraint('user_id', 'number', name='uq_webhook_event_user_id_number'),
    )
    op.create_index('ix_webhook_event_at', 'webhook_event', ['at'])
    op.create_table(
        'webhook_delivery',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('event_id', sa.Integer(), nullable=False),
        sa.Column('receiver', sa.String(length=64), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('state', sa.String(length=10), nullable=False),
        sa.Column('due_at', moment, nullable=False),
        sa.Column('not_after', moment, nullable=False),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.Column('done_at', moment, nullable=True),
        sa.Column('problem', sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ['event_id'], ['webhook_event.id'], name='fk_webhook_delivery_event_id', ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_webhook_delivery'),
    )
    op.create_index(
        'ix_webhook_delivery_event_id_receiver', 'webhook_delivery', ['event_id', 'receiver'], unique=True
    )
    _create_index_where('due', ['receiver', 'due_at'], "state = 'queued'")
    _create_index_where('first', ['receiver', 'user_id', 'number'], "state = 'queued'")
    _create_index_where('dead', ['receiver', 'done_at'], "state = 'dead'")
    op.create_table(
        'webhook_receiver',
        sa.Column('receiver', sa.String(length=64), nullable=False),
        sa.Column('name', sa.String(length=300), nullable=False),
        sa.Column('failures', sa.Integer(), nullable=False),
        sa.Column('paused_until', moment, nullable=True),
        sa.Column('disabled_at', moment, nullable=True),
        sa.Column('succeeded_at', moment, nullable=True),
        sa.PrimaryKeyConstraint('receiver', name='pk_webhook_receiver'),
    )


def downgrade() -> None:
    """Drop the tables and the column: events that were not delivered are lost."""
    for table in ('webhook_receiver', 'webhook_delivery', 'webhook_event'):
        op.drop_table(table)
    op.drop_column('cms_user', 'webhook_events')


def _create_index_where(name: str, columns: list[str], where: str) -> None:
    """Create an index of the few rows that meet a condition."""
    condition = {'sqlite_where': sa.text(where), 'postgresql_where': sa.text(where)}
    op.create_index(f'ix_webhook_delivery_{name}', 'webhook_delivery', columns, **condition)
