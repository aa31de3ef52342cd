"""Reading a page as a browser would: its elements with their attributes and their text."""

from collections.abc import Iterator
from html.parser import HTMLParser

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())


class Element:
    """An element of a page."""

    def __init__(self, name: str, attributes: dict[str, str], parent: "Element | None") -> None:
        """Begin an element; what is inside follows."""
        self.name, self.attributes, self.parent = name, attributes, parent
        self.children: list[Element] = []
        self._texts: list[str | Element] = []

    def __getitem__(self, attribute: str) -> str:
        """Return an attribute; the empty text where it has no value or is not there."""
        return self.attributes.get(attribute, "")

    def __contains__(self, attribute: str) -> bool:
        """Say whether the element has an attribute."""
        return attribute in self.attributes

    @property
    def text(self) -> str:
        """Return the text inside, with single blanks."""
        parts = (part if isinstance(part, str) else part.text for part in self._texts)
        return " ".join(" ".join(parts).split())

    def all(self, name: str = "", /, **attributes: str) -> Iterator["Element"]:
        """Yield the elements inside, in their order, that have this name and these attributes (_ stands for -)."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        for child in self.children:
            if name in ("", child.name) and all(child.attributes.get(key) == wanted[key] for key in wanted):
                yield child
            yield from child.all(name, **attributes)

    def one(self, name: str = "", /, **attributes: str) -> "Element":
        """Return the only element inside that is so."""
        found = list(self.all(name, **attributes))
        assert len(found) == 1, f"{len(found)} elements {name} {attributes}"
        return found[0]

    def add(self, text: str) -> None:
        """Add text."""
        self._texts.append(text)

    def begin(self, name: str, attributes: dict[str, str]) -> "Element":
        """Begin an element inside this one."""
        child = Element(name, attributes, self)
        self.children.append(child)
        self._texts.append(child)
        return child


class _Reader(HTMLParser):
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
    """Return a page as a tree; every element must be ended by a tag of its own."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.at is reader.root, f"<{reader.at.name}> is not ended"
    return reader.root
