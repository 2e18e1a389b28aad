"""OpenAI's client for Responses."""

import json

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

QUESTION = "Name three rivers."
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather of a city.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


class River(BaseModel):
    name: str
    kilometres: int


def test_answers_whole(client: OpenAI, model: str):
    answer = client.responses.create(
        model=model, input=QUESTION, instructions="You are brief.", max_output_tokens=512
    )
    assert answer.object == "response" and answer.status == "completed"
    assert answer.output_text
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0
    assert answer.usage.model_extra["cost"] > 0


def test_is_incomplete_when_cut(client: OpenAI, model: str):
    answer = client.responses.create(model=model, input=QUESTION, max_output_tokens=16)
    assert answer.status == "incomplete"
    assert answer.incomplete_details.reason == "max_output_tokens"


def test_streams_typed_events(client: OpenAI, model: str):
    events = list(client.responses.create(model=model, input=QUESTION, stream=True))
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == events[-1].response.output_text


def test_stream_helper_accumulates(client: OpenAI, model: str):
    with client.responses.stream(model=model, input=QUESTION) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert final.output_text == text


def test_runs_a_tool_to_the_end(client: OpenAI, model: str):
    conversation = [{"role": "user", "content": "What is the weather in Oslo?"}]
    ask = {"model": model, "tools": [WEATHER]}
    first = client.responses.create(input=conversation, tool_choice="required", **ask)
    calls = [item for item in first.output if item.type == "function_call"]
    assert len(calls) == 1 and calls[0].name == "get_weather"
    assert isinstance(json.loads(calls[0].arguments)["city"], str)
    conversation += first.output
    conversation.append(
        {"type": "function_call_output", "call_id": calls[0].call_id, "output": '{"celsius": 4}'}
    )
    second = client.responses.create(input=conversation, **ask)
    assert second.output_text


def test_streams_the_arguments_of_a_call(client: OpenAI, model: str):
    with client.responses.stream(
        model=model, input="What is the weather in Oslo?", tools=[WEATHER], tool_choice="required"
    ) as stream:
        pieces = [e.delta for e in stream if e.type == "response.function_call_arguments.delta"]
        final = stream.get_final_response()
    call = next(item for item in final.output if item.type == "function_call")
    assert "".join(pieces) == call.arguments


def test_parses_into_a_model(client: OpenAI, find):
    answer = client.responses.parse(
        model=find("structured_outputs"), input=QUESTION, text_format=River
    )
    assert isinstance(answer.output_parsed, River)


def test_reasoning_goes_back_encrypted(client: OpenAI, find):
    ask = {
        "model": find("reasoning", "tools", by="anthropic/"),
        "reasoning": {"effort": "high", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "extra_body": {"provider": {"only": ["anthropic"]}},  # Bedrock does not count thoughts.
    }
    first = client.responses.create(input=QUESTION, **ask)
    assert any(item.type == "reasoning" for item in first.output), first.output
    assert first.usage.output_tokens_details.reasoning_tokens > 0
    conversation = [{"role": "user", "content": QUESTION}, *first.output]
    conversation.append({"role": "user", "content": "And a fourth?"})
    assert client.responses.create(input=conversation, **ask).output_text


def test_an_image_goes_in(client: OpenAI, find, pixel: str):
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{pixel}"},
    ]
    answer = client.responses.create(
        model=find(takes="image"), input=[{"role": "user", "content": content}]
    )
    assert answer.output_text


def test_what_is_stored_can_be_continued_and_deleted(client: OpenAI, model: str):
    first = client.responses.create(model=model, input=QUESTION, store=True)
    second = client.responses.create(
        model=model, input="And a fourth?", previous_response_id=first.id
    )
    assert second.output_text and second.previous_response_id == first.id
    assert client.responses.retrieve(first.id).output_text == first.output_text
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


def test_what_is_not_stored_is_gone(client: OpenAI, model: str):
    first = client.responses.create(model=model, input=QUESTION)
    with pytest.raises(openai.APIStatusError) as caught:
        client.responses.create(model=model, input="And?", previous_response_id=first.id)
    assert caught.value.status_code in (400, 404)


def test_errors_are_the_clients_own(client: OpenAI, url: str, model: str):
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=model, input=QUESTION, temperature=9)
    assert caught.value.body["param"] == "temperature"
    with pytest.raises((openai.NotFoundError, openai.BadRequestError)) as caught:
        client.responses.create(model="nobody/nothing", input=QUESTION)
    assert "nobody/nothing" in caught.value.body["message"]
    stranger = OpenAI(base_url=f"{url}/api/v1", api_key="sk-ep-v1-" + "0" * 64, max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        stranger.responses.create(model=model, input=QUESTION)


def test_leaving_a_stream_early_is_harmless(client: OpenAI, model: str):
    stream = client.responses.create(model=model, input=QUESTION, stream=True)
    next(iter(stream))
    stream.close()
    assert client.responses.create(model=model, input=QUESTION).output_text
