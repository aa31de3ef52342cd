"""The pages of articles."""

from flask import Blueprint, g, render_template, request, url_for
from sqlalchemy import select
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from cms.answers import Answer, checked, done
from cms.guard import open_to_all, permission_required
from forms import BaseForm
from models import db
from tests.own_pages.articles.models import Article

bp = Blueprint("articles", __name__, url_prefix="/articles", template_folder="templates")


class ArticleForm(BaseForm):
    """A new article."""

    title = StringField("Title", [InputRequired(), Length(max=100)])


@bp.get("/")
def index() -> str:
    """Show the articles; every view requires a signed-in administrator unless it is marked otherwise."""
    return _page(ArticleForm())


@bp.post("/")
def add() -> Answer:
    """Add an article of the signed-in administrator."""
    form = checked(ArticleForm(request.form), _page)
    article = Article(author_id=g.cms_user.id, title=str(form.title.data))
    db.session.add(article)
    db.session.commit()
    return done("The article has been added.", url_for("articles.index"), id=article.id)


@bp.get("/drafts/")
@permission_required("articles_publish")
def drafts() -> str:
    """Show the articles that are not published."""
    return _page(ArticleForm(), Article.is_published.is_(False))


@bp.post("/<int:article_id>/publish/")
@permission_required("articles_publish")  # A POST also requires a recently confirmed password.
def publish(article_id: int) -> Answer:
    """Publish an article."""
    db.get_or_404(Article, article_id).is_published = True
    db.session.commit()
    return done("The article has been published.", url_for("articles.index"))


@bp.get("/about/")
@open_to_all  # The innermost decorator.
def about() -> str:
    """Show a page for everybody."""
    return render_template("articles/about.html")


def _page(form: ArticleForm, *conditions: object) -> str:
    articles = db.session.scalars(select(Article).where(*conditions).order_by(Article.id)).all()  # type: ignore[arg-type]
    return render_template("articles/index.html", form=form, articles=articles)
