"""Responses that are kept, as OpenAI's client keeps, continues, reads and forgets them."""

import openai
import pytest
from openai import OpenAI


def test_a_conversation_goes_on_without_being_sent(client: OpenAI, model: str):
    first = client.responses.create(
        model=model, input="Remember the word heron.", store=True, max_output_tokens=256
    )
    assert first.store is True
    second = client.responses.create(
        model=model,
        input="Which word?",
        previous_response_id=first.id,
        store=True,
        max_output_tokens=256,
    )
    assert second.previous_response_id == first.id
    alone = client.responses.create(model=model, input="Which word?", max_output_tokens=256)
    assert second.usage.input_tokens > alone.usage.input_tokens

    kept = client.responses.retrieve(second.id)
    assert kept.output_text == second.output_text
    items = list(client.responses.input_items.list(second.id, order="asc"))
    assert [item.content[0].text for item in items] == ["Which word?"]

    client.responses.delete(second.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(second.id)
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=model, input="And?", previous_response_id=second.id)
    assert refused.value.param == "previous_response_id"


def test_nothing_is_kept_unasked(client: OpenAI, model: str):
    answer = client.responses.create(model=model, input="Hello.", max_output_tokens=256)
    assert answer.store is False
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(answer.id)
