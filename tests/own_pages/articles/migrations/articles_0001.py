"""articles"""

import sqlalchemy as sa
from alembic import op

revision = "articles_0001"
down_revision = None
branch_labels = ("articles",)
depends_on = "0001"  # The table cms_user.


def upgrade() -> None:
    op.create_table(
        "articles_article",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["cms_user.id"], name="fk_articles_article_author_id"),
        sa.PrimaryKeyConstraint("id", name="pk_articles_article"),
    )
    op.create_index("ix_articles_article_author_id", "articles_article", ["author_id"])


def downgrade() -> None:
    op.drop_table("articles_article")
