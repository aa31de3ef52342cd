"""second factors"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'

TABLES = 'passkey', 'authenticator_app', 'recovery_code', 'pending_sign_in', 'factor_reset'


def upgrade() -> None:
    """Add the tables of second factors, and what accounts know about them.

    New columns are nullable or have a default of the server, so that the previous version writes meanwhile. That
    version asks nobody for a second factor: second factors protect an account when every node runs this version.
    """
    moment = sa.DateTime(timezone=True)
    op.add_column('cms_user', sa.Column('has_second_factor', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('cms_user', sa.Column('user_handle', sa.String(length=43), nullable=True))
    op.add_column('cms_user', sa.Column('factor_required_at', moment, nullable=True))
    op.create_table(
        'passkey',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('credential_hash', sa.String(length=64), nullable=False),
        sa.Column('credential', sa.Text(), nullable=False),
        sa.Column('transports', sa.String(length=100), nullable=False),
        sa.Column('name', sa.String(length=60), nullable=False),
        sa.Column('sign_count', sa.BigInteger(), nullable=False),
        sa.Column('challenged_at', moment, nullable=False),
        sa.Column('created_at', moment, nullable=False),
        sa.Column('used_at', moment, nullable=True),
        _of_account('passkey'),
        sa.PrimaryKeyConstraint('id', name='pk_passkey'),
        sa.UniqueConstraint('credential_hash', name='uq_passkey_credential_hash'),
    )
    op.create_index('ix_passkey_user_id', 'passkey', ['user_id'])
    op.create_table(
        'authenticator_app',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('secret', sa.String(length=255), nullable=False),
        sa.Column('key_id', sa.String(length=8), nullable=False),
        sa.Column('last_step', sa.BigInteger(), nullable=False),
        sa.Column('created_at', moment, nullable=False),
        sa.Column('confirmed_at', moment, nullable=True),
        sa.Column('used_at', moment, nullable=True),
        _of_account('authenticator_app'),
        sa.PrimaryKeyConstraint('id', name='pk_authenticator_app'),
    )
    op.create_index('ix_authenticator_app_user_id', 'authenticator_app', ['user_id'])
    for name, state in (('confirmed', 'NOT NULL'), ('unconfirmed', 'NULL')):
        op.create_index(
            f'uq_authenticator_app_{name}',
            'authenticator_app',
            ['user_id'],
            unique=True,
            sqlite_where=sa.text(f'confirmed_at IS {state}'),
            postgresql_where=sa.text(f'confirmed_at IS {state}'),
        )
    op.create_table(
        'recovery_code',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('salt', sa.String(length=100), nullable=False),
        sa.Column('code_hash', sa.String(length=64), nullable=False),
        sa.Column('created_at', moment, nullable=False),
        sa.Column('used_at', moment, nullable=True),
        _of_account('recovery_code'),
        sa.PrimaryKeyConstraint('id', name='pk_recovery_code'),
    )
    op.create_index('ix_recovery_code_user_id', 'recovery_code', ['user_id'])
    op.create_table(
        'pending_sign_in',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('remembered', sa.Boolean(), nullable=False),
        sa.Column('password_version', sa.Integer(), nullable=False),
        sa.Column('email_version', sa.Integer(), nullable=False),
        sa.Column('expires_at', moment, nullable=False),
        _of_account('pending_sign_in'),
        sa.PrimaryKeyConstraint('id', name='pk_pending_sign_in'),
        sa.UniqueConstraint('token_hash', name='uq_pending_sign_in_token_hash'),
    )
    op.create_index('ix_pending_sign_in_user_id', 'pending_sign_in', ['user_id'])
    op.create_index('ix_pending_sign_in_expires_at', 'pending_sign_in', ['expires_at'])
    op.create_table(
        'factor_reset',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('started_by', sa.Integer(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('stop_hash', sa.String(length=64), nullable=False),
        sa.Column('asked_at', moment, nullable=False),
        sa.Column('due_at', moment, nullable=False),
        sa.Column('expires_at', moment, nullable=False),
        sa.Column('network', sa.String(length=64), nullable=False),
        sa.Column('browser', sa.String(length=200), nullable=False),
        sa.Column('outcome', sa.String(length=10), nullable=False),
        _of_account('factor_reset'),
        _of_account('factor_reset', 'started_by'),
        sa.PrimaryKeyConstraint('id', name='pk_factor_reset'),
        sa.UniqueConstraint('user_id', name='uq_factor_reset_user_id'),
        sa.UniqueConstraint('stop_hash', name='uq_factor_reset_stop_hash'),
    )
    op.create_index('ix_factor_reset_started_by', 'factor_reset', ['started_by'])
    op.create_index('ix_factor_reset_expires_at', 'factor_reset', ['expires_at'])
    op.create_index(
        'ix_factor_reset_waiting',
        'factor_reset',
        ['expires_at'],
        sqlite_where=sa.text("outcome = ''"),
        postgresql_where=sa.text("outcome = ''"),
    )


def downgrade() -> None:
    """Drop the tables and columns: the second factors are lost, and every administrator signs in with the password."""
    for table in reversed(TABLES):
        op.drop_table(table)
    for column in ('factor_required_at', 'user_handle', 'has_second_factor'):
        op.drop_column('cms_user', column)


def _of_account(table: str, column: str = 'user_id') -> sa.ForeignKeyConstraint:
    """Return the reference to the account; the row is deleted with it."""
    return sa.ForeignKeyConstraint([column], ['cms_user.id'], name=f'fk_{table}_{column}', ondelete='CASCADE')
