"""Every page in both languages: rules of HTML that can be checked without a validator, which `make check` runs."""

import re
from pathlib import Path

import pytest

from tests.environments import Environment
from tests.markup import Element, read
from tests.rendered import every_page, record_templates
from tests.servers import ROOT

# Elements with the role `generic` or similar, which must not be named (ARIA 1.2).
GENERIC = ("div", "span", "p", "strong", "small", "b", "i")
DURATION = re.compile(r"PT\d+S")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
REFERENCES = ("for", "form", "aria-describedby", "aria-labelledby", "aria-controls")


def find_page_templates() -> set[str]:
    """Return the names of the templates of pages, without partial templates and those of mails."""
    folder = ROOT / "templates"
    found = {path.relative_to(folder) for path in folder.rglob("*.html")}
    parts = {Path("cms/base.html"), Path("cms/layout.html"), Path("cms/macros.html")}
    return {str(path) for path in found - parts if not path.name.startswith("_") and path.parts[1] != "mail"}


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_follows_the_rules_of_html(sqlite_env: Environment, language: str) -> None:
    with record_templates(sqlite_env.app) as rendered:
        faults = {
            page.name: found
            for page in every_page(sqlite_env, language)
            if (found := find_faults(page.answer.text, language))
        }
    assert faults == {}
    assert find_page_templates() <= rendered


def find_faults(text: str, language: str) -> list[str]:
    """Return the violations of the rules in a page."""
    if not text.startswith("<!doctype html>\n"):
        return ["no doctype"]
    page = read(text)
    faults = [] if page.one("html")["lang"] == language else ["another language"]
    faults += [] if page.one("title").text else ["no title"]
    descriptions = [meta["content"] for meta in page.all("meta", name="description")]
    faults += [] if len(descriptions) == 1 and len(descriptions[0]) > 10 else [f"descriptions {descriptions}"]
    if len(focused := [element.attributes for element in page.all() if "autofocus" in element]) > 1:
        faults.append(f"several elements with autofocus: {focused}")
    faults += [f"the value of <time>: {time.attributes}" for time in page.all("time") if not has_value(time)]
    for element in page.all():
        is_named = "aria-labelledby" in element or "aria-label" in element
        if is_named and element.name in GENERIC and "role" not in element:
            faults.append(f"a name on a plain <{element.name}>: {element.attributes}")
    return faults + find_id_faults(page)


def has_value(time: Element) -> bool:
    """Return whether a <time> element has a machine-readable time or duration."""
    return bool(MOMENT.fullmatch(time["datetime"]) or DURATION.fullmatch(time["datetime"]))


def find_id_faults(page: Element) -> list[str]:
    """Return duplicate and missing ids; the content of <template> elements is ignored."""
    elements = [element for element in page.all() if not is_in_a_template(element)]
    ids = [element["id"] for element in elements if "id" in element]
    faults = [f"duplicate id: {each}" for each in set(ids) if ids.count(each) > 1]
    for element in elements:
        targets = [each for name in REFERENCES for each in element[name].split()]
        if element["href"].startswith("#"):
            targets.append(element["href"][1:])
        faults += [f"{element.name} refers to a missing id: {each}" for each in targets if each not in ids]
    return faults


def is_in_a_template(element: Element) -> bool:
    """Return whether an element is inside a <template>."""
    parent = element.parent
    while parent is not None:
        if parent.name == "template":
            return True
        parent = parent.parent
    return False


@pytest.mark.parametrize(
    ("invalid", "fault"),
    [
        ("<time></time>", "the value of <time>"),
        ('<input autofocus><p tabindex="-1" autofocus></p>', "several elements with autofocus"),
        ('<div aria-labelledby="a"></div><p id="a"></p>', "a name on a plain <div>"),
        ('<p id="a"></p><p id="a"></p>', "duplicate id: a"),
        ('<a href="#nowhere">x</a>', "refers to a missing id: nowhere"),
        ('<meta name="description" content="another description">', "descriptions"),
    ],
)
def test_violations_are_found(invalid: str, fault: str) -> None:
    """Without this test, a check that finds nothing would go unnoticed."""
    page = (
        '<!doctype html>\n<html lang="en"><head><title>T</title>'
        '<meta name="description" content="a description"></head><body>{}</body></html>'
    )
    assert find_faults(page.format(""), "en") == []
    (found,) = find_faults(page.format(invalid), "en")
    assert fault in found
