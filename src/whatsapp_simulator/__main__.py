"""``python -m whatsapp_simulator``: run the simulator until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import orjson

from whatsapp_simulator.config import Config, ConfigError, merged
from whatsapp_simulator.serving import serve


def main(argv: list[str] | None = None) -> int:
    """Run the simulator; 0 after SIGINT or SIGTERM, 1 when it can't start."""
    options = _options(argv)
    try:
        config = _config(options.config)
        return _runner()(_run(options, config))
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"whatsapp simulator: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 0


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="whatsapp-simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8090, help="port to listen on, 0 for a free one (8090)")
    parser.add_argument("--seed", type=int, default=1, help="seed of everything that is left to chance (1)")
    parser.add_argument("--scale", type=float, default=1.0, help="virtual seconds in a real one (1)")
    parser.add_argument("--config", type=Path, help="JSON file with settings")
    parser.add_argument("--control-token", default="", help="bearer token that /_sim/ asks for (none)")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return parser.parse_args(argv)


def _config(path: Path | None) -> Config:
    if path is None:
        return Config()
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    try:
        return merged(Config(), orjson.loads(text))
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"{path} is not JSON: {error}") from error


def _runner() -> Callable[[Coroutine[Any, Any, int]], int]:
    try:
        import uvloop
    except ImportError:
        return asyncio.run
    return uvloop.run


async def _run(options: argparse.Namespace, config: Config) -> int:
    try:
        simulator = await serve(
            options.host,
            options.port,
            seed=options.seed,
            scale=options.scale,
            config=config,
            control_token=options.control_token,
        )
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise OSError(f"cannot listen on {options.host}:{options.port}: {reason}") from error
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    if not options.quiet:
        sys.stdout.write(f"whatsapp simulator listening on {simulator.url}\n")
        sys.stdout.flush()
    await stop.wait()
    await simulator.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
