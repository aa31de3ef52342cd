"""outcome and initiator of changes"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
contracts = '0001'  # It replaces the action of a foreign key that 0001 created.


def upgrade() -> None:
    """Add the outcome, initiator and origin of a change, and the version of a password.

    Every new column has a default in the database, because the previous version of the application writes meanwhile.
    """
    with op.batch_alter_table('cms_user') as batch_op:
        batch_op.add_column(sa.Column('password_version', sa.Integer(), nullable=False, server_default='1'))
    with op.batch_alter_table('link') as batch_op:
        batch_op.add_column(sa.Column('since', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('network', sa.String(length=64), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('browser', sa.String(length=200), nullable=False, server_default=''))
    with op.batch_alter_table('audit') as batch_op:
        batch_op.create_index('ix_audit_actor_id_at', ['actor_id', 'at'])
    with op.batch_alter_table('email_change') as batch_op:
        batch_op.add_column(sa.Column('is_assisted', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('started_by', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('network', sa.String(length=64), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('browser', sa.String(length=200), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('outcome', sa.String(length=10), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('ended_by', sa.String(length=50), nullable=False, server_default=''))
        batch_op.create_foreign_key(
            op.f('fk_email_change_started_by'), 'cms_user', ['started_by'], ['id'], ondelete='SET NULL'
        )
        batch_op.create_index(op.f('ix_email_change_started_by'), ['started_by'])
        batch_op.drop_constraint(op.f('fk_email_change_session_id'), type_='foreignkey')
        batch_op.create_foreign_key(
            op.f('fk_email_change_session_id'), 'login_session', ['session_id'], ['id'], ondelete='SET NULL'
        )
    op.execute(sa.text('UPDATE email_change SET is_assisted = true WHERE session_id IS NULL'))


def downgrade() -> None:
    """Drop the columns, and delete changes that have ended: the previous version deletes them, too."""
    op.execute(sa.text("DELETE FROM email_change WHERE outcome <> '' OR (session_id IS NULL AND NOT is_assisted)"))
    with op.batch_alter_table('email_change') as batch_op:
        batch_op.drop_constraint(op.f('fk_email_change_session_id'), type_='foreignkey')
        batch_op.create_foreign_key(
            op.f('fk_email_change_session_id'), 'login_session', ['session_id'], ['id'], ondelete='CASCADE'
        )
        batch_op.drop_index(op.f('ix_email_change_started_by'))
        batch_op.drop_constraint(op.f('fk_email_change_started_by'), type_='foreignkey')
        for name in ('ended_by', 'outcome', 'browser', 'network', 'started_by', 'is_assisted'):
            batch_op.drop_column(name)
    with op.batch_alter_table('audit') as batch_op:
        batch_op.drop_index('ix_audit_actor_id_at')
    # Not in a batch: on SQLite a batch recreates the table, and other tables refer to its rows.
    for name in ('browser', 'network', 'since'):
        op.drop_column('link', name)
    op.drop_column('cms_user', 'password_version')
