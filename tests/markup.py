"""A parser of pages: elements with their attributes and their text."""

from collections.abc import Iterator
from html.parser import HTMLParser

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())


class Element:
    """An element of a page."""

    def __init__(self, name: str, attributes: dict[str, str], parent: "Element | None") -> None:
        """Create an element without content."""
        self.name, self.attributes, self.parent = name, attributes, parent
        self.children: list[Element] = []
        self._texts: list[str | Element] = []

    def __getitem__(self, attribute: str) -> str:
        """Return the value of an attribute; an empty string if it has none or does not exist."""
        return self.attributes.get(attribute, "")

    def __contains__(self, attribute: str) -> bool:
        """Return whether the element has an attribute."""
        return attribute in self.attributes

    @property
    def text(self) -> str:
        """Return the text of the element, with whitespace collapsed."""
        parts = (part if isinstance(part, str) else part.text for part in self._texts)
        return " ".join(" ".join(parts).split())

    def all(self, name: str = "", /, **attributes: str) -> Iterator["Element"]:
        """Yield the descendants with this name and these attributes (_ stands for -), in document order."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        for child in self.children:
            if name in ("", child.name) and all(child.attributes.get(key) == wanted[key] for key in wanted):
                yield child
            yield from child.all(name, **attributes)

    def one(self, name: str = "", /, **attributes: str) -> "Element":
        """Return the only descendant with this name and these attributes."""
        found = list(self.all(name, **attributes))
        assert len(found) == 1, f"{len(found)} elements {name} {attributes}"
        return found[0]

    def add(self, text: str) -> None:
        """Add text."""
        self._texts.append(text)

    def begin(self, name: str, attributes: dict[str, str]) -> "Element":
        """Add a child element, and return it."""
        child = Element(name, attributes, self)
        self.children.append(child)
        self._texts.append(child)
        return child


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = self.at.begin(tag, {name: value or "" for name, value in attrs})
        if tag not in VOID:
            self.at = element

    def handle_endtag(self, tag: str) -> None:
        assert self.at.name == tag, f"</{tag}> ends <{self.at.name}>"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.add(data)


def read(page: str) -> Element:
    """Return a page as a tree of elements; every element must have its end tag."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert parser.at is parser.root, f"<{parser.at.name}> is not closed"
    return parser.root
