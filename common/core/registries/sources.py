"""The sources beyond a registry's public channels that the operator of this service has access to: registrars, EPP accounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from common.core.model.methods import is_registrar


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One that is configured. `url` is the base URL of a registrar's API, "host:port" of an EPP server.

    `suffixes` are those that it may be asked about, () for any; `batch` how many names one call carries (of
    `one_suffix` alone, where that is so), and `rate` how many
    calls a second it takes, None for the built-in figure. `proof` is false where its answers prove nothing: a sandbox, or a
    service that answers from DNS. `credentials` is a digest that changes with them, "" where it is not known.
    """

    method: str
    url: str
    suffixes: tuple[str, ...] = ()
    batch: int = 1
    one_suffix: bool = False
    rate: float | None = None
    proof: bool = True
    credentials: str = ""


class Sources:
    """The configured sources, in the order in which they are asked."""

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self._sources = tuple(sources)

    def find_source(self, method: str, suffix: str) -> Source | None:
        """The source of a method that may be asked about a suffix, if there is one."""
        for source in self._sources:
            if source.method == method and (not source.suffixes or suffix in source.suffixes):
                return source
        return None

    def registrar_methods(self, suffix: str, *, proof: bool = True) -> list[str]:
        """The methods of registrars that may be asked about a suffix; with `proof` only those whose answers prove something."""
        return [
            source.method
            for source in self._sources
            if is_registrar(source.method)
            and (source.proof or not proof)
            and (not source.suffixes or suffix in source.suffixes)
        ]

    def all_sources(self) -> tuple[Source, ...]:
        """All of them."""
        return self._sources
