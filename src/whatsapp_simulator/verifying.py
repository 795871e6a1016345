"""Asking a callback URL whether it really wants to be called: the GET handshake."""

from __future__ import annotations

import asyncio
import hashlib

import aiohttp

from whatsapp_simulator.senders import Sender


async def ask(session: aiohttp.ClientSession, sender: Sender, timeout: float = 5.0) -> str:
    """Do the handshake once: empty when the challenge came back with 200, else what was wrong."""
    challenge = str(int.from_bytes(hashlib.blake2b(sender.number_id.encode(), digest_size=4).digest(), "big"))
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": sender.verify_token}
    try:
        async with session.get(
            sender.callback_url, params=query, timeout=aiohttp.ClientTimeout(total=timeout), allow_redirects=False
        ) as answer:
            body = await answer.content.read(len(challenge) + 64)
            if answer.status != 200:
                return f"the callback URL answered HTTP {answer.status}"
            return "" if body.strip() == challenge.encode() else "the callback URL did not return the challenge"
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return f"the callback URL could not be reached ({type(error).__name__}: {error})"


async def ask_until_verified(session: aiohttp.ClientSession, sender: Sender, pause: float) -> None:
    """Repeat the handshake after `pause` real seconds, then twice as long, up to 30 s."""
    while not sender.verified:
        await asyncio.sleep(pause)
        sender.verify_problem = await ask(session, sender)
        sender.verified = not sender.verify_problem
        pause = min(2.0 * pause, 30.0)
