from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import pytest

import live_installation as installations
from flows import opening
from flows.shop import Shop
from live_installation import Installation

OpenShop = Callable[..., Shop]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """For one file of flows: a worker that lived on would take the campaigns that other tests only pretend to send."""
    with installations.running(tmp_path_factory.mktemp("installation")) as running:
        yield running


@pytest.fixture
def open_shop(installation: Installation) -> OpenShop:
    """`flows.opening.open_shop` in this test run's installation."""
    return functools.partial(opening.open_shop, installation)
