"""The grammar of feature expressions: ``lbp+hog``, ``hog:pca:lda``, ``(lbp+fisher):pca``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from classic_fer.errors import ParameterError
from classic_fer.models.encodings import ENCODINGS

__all__ = ["Leaf", "Node", "Projection", "Sum", "leaves", "nodes", "parse_expression"]

_TOKEN = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]*|[+:()])")


@dataclass(frozen=True)
class Leaf:
    """A stateless feature of the face: `key` in the registry, `name` unique in the expression."""

    name: str
    key: str


@dataclass(frozen=True)
class Projection:
    """A fitted projection, or encoding, of what stands before the colon."""

    name: str
    key: str
    child: Node


@dataclass(frozen=True)
class Sum:
    """Features side by side: their columns in the order in which they are written."""

    children: tuple[Node, ...]


Node = Leaf | Projection | Sum


def nodes(tree: Node) -> Iterator[Leaf | Projection]:
    """All named nodes of `tree` in the order in which they are written."""
    if isinstance(tree, Sum):
        for child in tree.children:
            yield from nodes(child)
    else:
        if isinstance(tree, Projection):
            yield from nodes(tree.child)
        yield tree


def leaves(tree: Node) -> list[Leaf]:
    """The stateless features of `tree` in the order in which they are written."""
    return [node for node in nodes(tree) if isinstance(node, Leaf)]


@lru_cache(maxsize=64)
def parse_expression(expression: str) -> Node:
    """Tree of a feature expression.

    Parameters
    ----------
    expression : str
        Names joined by ``+`` (side by side) and ``:`` (projected by), with brackets; ``:`` binds
        tighter than ``+``. A name that comes again gets a number: in ``lbp:pca+hog:pca`` the
        projections are called ``pca`` and ``pca2``. An encoding of the images alone, as
        ``fisher``, is short for ``pixels:fisher``. Whether the names exist is not checked here.

    Returns
    -------
    tree : Leaf, Projection or Sum

    Raises
    ------
    ParameterError
        With the place in the text where the expression is ill-formed.

    Examples
    --------
    >>> [node.name for node in nodes(parse_expression("lbp:pca+hog:pca"))]
    ['lbp', 'pca', 'hog', 'pca2']
    >>> parse_expression("fisher") == parse_expression("pixels:fisher")
    True
    """
    return _Parser(expression).tree()


class _Parser:
    """Recursive descent: sum = term ('+' term)*, term = atom (':' name)*."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._split()
        self.at = 0
        self.uses: dict[str, int] = {}

    def tree(self) -> Node:
        node = self._sum()
        if self.at < len(self.tokens):
            raise self._error("'+', ':' or the end")
        return node

    def _split(self) -> list[tuple[str, int]]:
        tokens, place, text = [], 0, self.text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise ParameterError(
                    f"feature expression {self.text!r}: unexpected {text[place:].lstrip()[0]!r}; "
                    "expected names joined by '+' and ':', and brackets, as in '(lbp+hog):pca'"
                )
            tokens.append((match[1], match.start(1)))
            place = match.end()
        return tokens

    def _error(self, expected: str) -> ParameterError:
        if self.at < len(self.tokens):
            token, place = self.tokens[self.at]
            found = f"{token!r} at position {place + 1}"
        else:
            found = "the end"
        return ParameterError(
            f"feature expression {self.text!r}: found {found}, expected {expected}; "
            "write for example 'lbp+hog', 'hog:pca:lda' or '(lbp+hog):pca'"
        )

    def _take(self, symbol: str) -> bool:
        here = self.at < len(self.tokens) and self.tokens[self.at][0] == symbol
        self.at += here
        return here

    def _key(self, expected: str) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] in "+:()":
            raise self._error(expected)
        self.at += 1
        return self.tokens[self.at - 1][0].lower()

    def _named(self, key: str) -> tuple[str, str]:
        """A name that no earlier node has, and `key`."""
        self.uses[key] = self.uses.get(key, 0) + 1
        return (key if self.uses[key] == 1 else f"{key}{self.uses[key]}"), key

    def _sum(self) -> Node:
        children = [self._term()]
        while self._take("+"):
            children.append(self._term())
        return children[0] if len(children) == 1 else Sum(tuple(children))

    def _term(self) -> Node:
        if self._take("("):
            node = self._sum()
            if not self._take(")"):
                raise self._error("')'")
        else:
            key = self._key("the name of a feature or '('")
            if key in ENCODINGS:
                node = Projection(*self._named(key), Leaf(*self._named("pixels")))
            else:
                node = Leaf(*self._named(key))
        while self._take(":"):
            node = Projection(*self._named(self._key("the name of a projection")), node)
        return node
