"""OpenAI's client for chat completions: structured output, reasoning, images, older endpoints."""

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

QUESTION = [{"role": "user", "content": "Name three rivers."}]


class River(BaseModel):
    name: str
    kilometres: int


def test_parses_into_a_model(client: OpenAI, find):
    answer = client.chat.completions.parse(
        model=find("structured_outputs"), messages=QUESTION, response_format=River
    )
    river = answer.choices[0].message.parsed
    assert isinstance(river, River) and river.name


def test_streams_into_a_model(client: OpenAI, find):
    with client.chat.completions.stream(
        model=find("structured_outputs"), messages=QUESTION, response_format=River
    ) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, River)


def test_reasoning_is_shown_and_goes_back(client: OpenAI, find):
    # Bedrock, which has these models too, does not count thoughts.
    ours = {"reasoning": {"effort": "high"}, "provider": {"only": ["anthropic"]}}
    model = find("reasoning", "tools", by="anthropic/")
    ask = {"model": model, "max_tokens": 4096, "extra_body": ours}
    first = client.chat.completions.create(messages=QUESTION, **ask)
    message = first.choices[0].message
    assert message.content
    assert message.model_extra["reasoning"]
    assert first.usage.completion_tokens_details.reasoning_tokens > 0
    again = [*QUESTION, message.model_dump(exclude_none=True), {"role": "user", "content": "And a fourth?"}]
    assert client.chat.completions.create(messages=again, **ask).choices[0].message.content


def test_reasoning_streams_before_the_answer(client: OpenAI, find):
    stream = client.chat.completions.create(
        model=find("reasoning"), messages=QUESTION, stream=True, max_tokens=4096,
        extra_body={"reasoning": {"effort": "high"}},
    )
    kinds = []
    for chunk in stream:
        for choice in chunk.choices:
            delta = choice.delta.model_extra or {}
            kinds += ["reasoning"] if delta.get("reasoning") else []
            kinds += ["content"] if choice.delta.content else []
    assert "reasoning" in kinds and "content" in kinds
    assert kinds == sorted(kinds, reverse=True), "reasoning comes first"


def test_signed_reasoning_goes_back_with_a_tool_result(client: OpenAI, find):
    """Claude refuses a turn whose signature is not the one that it gave."""
    model = find("reasoning", "tools", by="anthropic/")
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
    question = [{"role": "user", "content": "Use the tool: what is the weather in Oslo?"}]
    ask = {"model": model, "tools": [tool], "max_tokens": 8000,
           "extra_body": {"reasoning": {"max_tokens": 2000}}}
    first = client.chat.completions.create(messages=question, **ask).choices[0].message
    assert first.tool_calls, "the sandbox calls a tool that the question names"
    details = first.model_extra["reasoning_details"]
    assert any(detail.get("signature") for detail in details), details
    result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "4 degrees"}
    again = [*question, first.model_dump(exclude_none=True), result]
    assert client.chat.completions.create(messages=again, **ask).choices[0].message.content


def test_an_image_goes_in(client: OpenAI, find, pixel: str):
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}},
    ]
    answer = client.chat.completions.create(
        model=find(takes="image"), messages=[{"role": "user", "content": content}], max_tokens=64
    )
    assert answer.choices[0].message.content


def test_an_image_that_is_none_is_a_bad_request(client: OpenAI, find):
    content = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model=find(takes="image"), messages=[{"role": "user", "content": content}]
        )
    assert "image" in caught.value.body["message"]


def test_text_completions(client: OpenAI, find):
    # One provider, so that what is streamed is what is whole.
    ask = {"model": find(by="anthropic/"), "prompt": "Once upon a time", "max_tokens": 32}
    ask["extra_body"] = {"provider": {"only": ["anthropic"]}}
    answer = client.completions.create(**ask)
    assert answer.object == "text_completion" and answer.choices[0].text
    assert answer.usage.completion_tokens > 0
    chunks = list(client.completions.create(**ask, stream=True))
    text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
    assert text == answer.choices[0].text


def embedder(client: OpenAI) -> str:
    from urllib.request import urlopen
    import json

    with urlopen(f"{str(client.base_url).rstrip('/')}/embeddings/models", timeout=30) as response:
        return json.load(response)["data"][0]["id"]


def test_embeddings(client: OpenAI):
    # The client asks for base64 by itself and turns it into numbers.
    answer = client.embeddings.create(model=embedder(client), input=["One river", "Two seas"])
    assert [entry.index for entry in answer.data] == [0, 1]
    assert len(answer.data[0].embedding) == len(answer.data[1].embedding) > 0
    assert all(isinstance(number, float) for number in answer.data[0].embedding)
    assert answer.usage.prompt_tokens > 0
    plain = client.embeddings.create(
        model=embedder(client), input=["One river", "Two seas"], encoding_format="float"
    )
    assert plain.data[1].embedding == pytest.approx(answer.data[1].embedding, abs=1e-5)


def test_a_model_of_the_wrong_kind_says_so(client: OpenAI, model: str):
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model=model, input="One river")
    assert caught.value.body["availability"]["code"] == "wrong_endpoint"
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=embedder(client), messages=QUESTION)
    assert caught.value.body["availability"]["code"] == "wrong_endpoint"
