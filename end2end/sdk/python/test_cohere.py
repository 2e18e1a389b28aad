"""Cohere's client, pointed at `/api`, for rerank."""

import json
from urllib.request import urlopen

import cohere
import pytest

DOCUMENTS = ["The Nile reaches the sea.", "Bread is baked.", "Rivers and their deltas."]


@pytest.fixture(scope="session")
def judge(url: str) -> str:
    """A model that orders documents."""
    query = "output_modalities=rerank"
    with urlopen(f"{url}/api/v1/models?{query}", timeout=30) as response:
        return json.load(response)["data"][0]["id"]


def test_orders_documents(ranker: cohere.Client, judge: str):
    answer = ranker.rerank(model=judge, query="Which river?", documents=DOCUMENTS, top_n=2)
    assert len(answer.results) == 2
    scores = [result.relevance_score for result in answer.results]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= result.index < len(DOCUMENTS) for result in answer.results)


def test_documents_may_be_objects(ranker: cohere.Client, judge: str):
    documents = [{"text": text} for text in DOCUMENTS]
    answer = ranker.rerank(model=judge, query="Which river?", documents=documents)
    assert sorted(result.index for result in answer.results) == [0, 1, 2]


def test_a_wrong_request_is_the_clients_own_error(ranker: cohere.Client, judge: str):
    with pytest.raises(cohere.BadRequestError):
        ranker.rerank(model=judge, query="Which river?", documents=[])
