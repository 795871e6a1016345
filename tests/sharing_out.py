"""Which process of xdist runs which file of tests, so that all of them end together and none waits for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_LIVE = tuple(f"tests/{name}/" for name in ("torture", "operations", "browser", "flows", "cli"))


class LiveApart(LoadScopeScheduling):
    """By file, for the tests of one share what they start.

    The first process takes what starts whole installations, which wait for one another much of the time, and the others
    the rest, which keeps the processors busy meanwhile: two installations at once would take each other's time, and
    then both wait. Who runs out takes what is left of the other kind.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("::", 1)[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        takes_live = node is self.nodes[0]
        fitting = (scope for scope in self.workqueue if scope.startswith(_LIVE) == takes_live)
        if (scope := next(fitting, None)) is not None:
            self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)
