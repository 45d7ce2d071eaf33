"""A tiny subscribe primitive, for a model that knows nothing of who watches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")


class Signal(Generic[P]):
    """A list of functions to call, in the order in which they subscribed.

    Not thread-safe: subscribe and call on one thread. A subscriber that raises does not keep the
    others from being called; the first error is raised once all have been.
    """

    def __init__(self) -> None:
        self._subscribers: list[Callable[P, object]] = []

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call every function that is subscribed now."""
        first: Exception | None = None
        for subscriber in tuple(self._subscribers):
            if subscriber not in self._subscribers:
                continue  # unsubscribed by one that was called before it
            try:
                subscriber(*args, **kwargs)
            except Exception as error:
                first = first or error
        if first is not None:
            raise first

    def __len__(self) -> int:
        return len(self._subscribers)

    def subscribe(self, subscriber: Callable[P, object]) -> Callable[[], None]:
        """Call `subscriber` from now on; the function returned ends that (harmless if repeated)."""
        self._subscribers.append(subscriber)
        done = False

        def unsubscribe() -> None:
            nonlocal done
            if not done:
                done = True
                self._subscribers.remove(subscriber)

        return unsubscribe
