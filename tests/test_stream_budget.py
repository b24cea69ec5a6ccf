"""What the reconnects of streams cost: nothing when they helped, so that a client lasts through many nights."""

from __future__ import annotations

import pytest
from secgemini_api.models import PublicSession
from stream_model import END, say
from stream_peer import Peer
from wire import session

from secgemini import SecGemini, SecGeminiError, no_waiting
from secgemini._turns import PERSISTENCE
from secgemini.retry import Budget
from secgemini.session import InteractiveSession


def read(sg: SecGemini) -> None:
    list(InteractiveSession(sg._driver, PublicSession.from_dict(session())).stream_sync("hello"))


def test_refused_links_that_were_made_in_the_end_cost_nothing() -> None:
    refusals = [(503, {}), (429, {})]
    with Peer([say("m0"), END], refusals=refusals).running() as peer, no_waiting() as waits:
        with SecGemini("k", base_url=f"http://127.0.0.1:{peer.port}", proxy="") as sg:
            read(sg)
            assert len(waits) == 2
            assert sg._driver.budget.tokens == Budget.CAPACITY


def test_a_service_that_is_gone_takes_from_the_account_of_the_client() -> None:
    refusals = [(503, {})] * 100
    with Peer([END], refusals=refusals).running() as peer, no_waiting():
        with SecGemini("k", base_url=f"http://127.0.0.1:{peer.port}", proxy="", max_retries=1) as sg:
            for _ in range(20):
                with pytest.raises(SecGeminiError):
                    read(sg)
            retries = Budget.CAPACITY // Budget.RETRY_COST
            assert len(peer.paths) == 20 + retries, f"{PERSISTENCE} each, until nothing is left"
