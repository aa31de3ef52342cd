"""Every page in both languages: the rules of HTML that a short test can check; `make check` runs a validator."""

import re
from pathlib import Path

import pytest

from tests.environments import Environment
from tests.markup import Element, read
from tests.rendered import every_page, record_templates
from tests.servers import ROOT

# Whatever a form control, a landmark, a heading or a list may have a name; a plain <div> or <span> may not (ARIA 1.2).
GENERIC = ("div", "span", "p", "strong", "small", "b", "i")
DURATION = re.compile(r"PT\d+S")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
REFERENCES = ("for", "form", "aria-describedby", "aria-labelledby", "aria-controls")


def templates_of_pages() -> set[str]:
    """Return the names of the templates that are pages; the others are parts of pages, or mails."""
    folder = ROOT / "templates"
    found = {path.relative_to(folder) for path in folder.rglob("*.html")}
    parts = {Path("base.html"), Path("layout.html"), Path("macros.html")}
    return {str(path) for path in found - parts if not path.name.startswith("_") and path.parts[0] != "mail"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_keeps_the_rules_of_html(sqlite_env: Environment, language: str) -> None:
    with record_templates(sqlite_env.app) as rendered:
        faults = {
            page.name: found
            for page in every_page(sqlite_env, language)
            if (found := faults_of(page.answer.text, language))
        }
    assert faults == {}
    assert templates_of_pages() <= rendered


def faults_of(text: str, language: str) -> list[str]:
    """Return what is wrong with a page."""
    if not text.startswith("<!doctype html>\n"):
        return ["no doctype"]
    page = read(text)
    faults = [] if page.one("html")["lang"] == language else ["another language"]
    faults += [] if page.one("title").text else ["no title"]
    descriptions = [meta["content"] for meta in page.all("meta", name="description")]
    faults += [] if len(descriptions) == 1 and len(descriptions[0]) > 10 else [f"descriptions {descriptions}"]
    if len(wanting := [element.attributes for element in page.all() if "autofocus" in element]) > 1:
        faults.append(f"several want the focus: {wanting}")
    faults += [f"the value of <time>: {time.attributes}" for time in page.all("time") if not has_value(time)]
    for element in page.all():
        is_named = "aria-labelledby" in element or "aria-label" in element
        if is_named and element.name in GENERIC and "role" not in element:
            faults.append(f"a name on a plain <{element.name}>: {element.attributes}")
    return faults + faults_of_ids(page)


def has_value(time: Element) -> bool:
    """Say whether a <time> says a moment, or at least a span, that a program can read."""
    return bool(MOMENT.fullmatch(time["datetime"]) or DURATION.fullmatch(time["datetime"]))


def faults_of_ids(page: Element) -> list[str]:
    """Return which ids are there twice or missing; what stands in a <template> is not there yet."""
    everything = [element for element in page.all() if not is_in_a_template(element)]
    ids = [element["id"] for element in everything if "id" in element]
    faults = [f"twice: {each}" for each in set(ids) if ids.count(each) > 1]
    for element in everything:
        meant = [each for name in REFERENCES for each in element[name].split()]
        if element["href"].startswith("#"):
            meant.append(element["href"][1:])
        faults += [f"{element.name} leads nowhere: {each}" for each in meant if each not in ids]
    return faults


def is_in_a_template(element: Element) -> bool:
    """Say whether an element is inside a <template>."""
    parent = element.parent
    while parent is not None:
        if parent.name == "template":
            return True
        parent = parent.parent
    return False


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ("<time></time>", "the value of <time>"),
        ('<input autofocus><p tabindex="-1" autofocus></p>', "several want the focus"),
        ('<div aria-labelledby="a"></div><p id="a"></p>', "a name on a plain <div>"),
        ('<p id="a"></p><p id="a"></p>', "twice: a"),
        ('<a href="#nowhere">x</a>', "leads nowhere: nowhere"),
        ('<meta name="description" content="once more, in other words">', "descriptions"),
    ],
)
def test_what_is_wrong_is_found(wrong: str, fault: str) -> None:
    """The test above is worth something: it fails for each of these."""
    right = (
        '<!doctype html>\n<html lang="en"><head><title>T</title>'
        '<meta name="description" content="what it is about"></head><body>{}</body></html>'
    )
    assert faults_of(right.format(""), "en") == []
    (found,) = faults_of(right.format(wrong), "en")
    assert fault in found
