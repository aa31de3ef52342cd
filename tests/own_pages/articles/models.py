"""The table of articles."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models import Base


class Article(Base):
    """An article of an administrator."""

    __tablename__ = "articles_article"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("cms_user.id"), index=True)
    title: Mapped[str] = mapped_column(String(100))
    is_published: Mapped[bool] = mapped_column(default=False)
