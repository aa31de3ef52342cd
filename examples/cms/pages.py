"""The pages: the desk of the editors, the articles that everybody reads, and the administration."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import Form, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from identity import author_of, require_account, require_superuser
from models import Article, Author, db

bp = Blueprint("pages", __name__)


class ArticleForm(Form):
    """An article that is written or edited."""

    title = StringField(
        "Title", [DataRequired("Enter a title."), Length(max=200)], filters=[lambda text: text and text.strip()]
    )
    text = TextAreaField("Text", [DataRequired("Enter the text."), Length(max=100_000)])


def list_articles() -> list[Article]:
    """Return all articles with their authors, the newest first."""
    newest = select(Article).options(joinedload(Article.author)).order_by(Article.id.desc())
    return list(db.session.scalars(newest))


# ---- For administrators: the web server admits nobody else to these paths, and neither does the CMS. -----------------
@bp.get("/")
def desk() -> Any:
    """Show the articles to those who write them."""
    require_account()
    return render_template("desk.html", articles=list_articles())


@bp.route("/write/", methods=["GET", "POST"])
def write() -> Any:
    """Write an article."""
    account, form = require_account(), ArticleForm(request.form)
    if request.method == "POST" and form.validate():
        article = Article(title=form.title.data, text=form.text.data, author=author_of(account))
        db.session.add(article)
        db.session.commit()
        flash("The article was published.")
        return redirect(url_for("pages.read", article_id=article.id), 303)
    return render_template("write.html", form=form, article=None)


@bp.route("/write/<int:article_id>/", methods=["GET", "POST"])
def edit(article_id: int) -> Any:
    """Edit an article: your own, or as a superuser any."""
    account, article = require_account(), db.get_or_404(Article, article_id)
    if article.author_id != account.id and not account.is_superuser:
        abort(403)
    form = ArticleForm(request.form, obj=article)
    if request.method == "POST" and form.validate():
        form.populate_obj(article)
        db.session.commit()
        flash("The article was changed.")
        return redirect(url_for("pages.read", article_id=article.id), 303)
    return render_template("write.html", form=form, article=article)


# ---- For everybody: the web server names the administrator if one is signed in. --------------------------------------
@bp.get("/articles/")
def index() -> Any:
    """Show all articles."""
    return render_template("index.html", articles=list_articles())


@bp.get("/articles/<int:article_id>/")
def read(article_id: int) -> Any:
    """Show an article."""
    return render_template("article.html", article=db.get_or_404(Article, article_id))


# ---- For superusers. -------------------------------------------------------------------------------------------------
@bp.get("/admin/")
def administration() -> Any:
    """Show all authors and articles."""
    require_superuser()
    authors = list(db.session.scalars(select(Author).order_by(Author.account_id)))
    return render_template("administration.html", authors=authors, articles=list_articles())


@bp.post("/admin/articles/<int:article_id>/delete/")
def delete(article_id: int) -> Any:
    """Delete an article."""
    require_superuser()
    db.session.delete(db.get_or_404(Article, article_id))
    db.session.commit()
    flash("The article was deleted.")
    return redirect(url_for("pages.administration"), 303)
