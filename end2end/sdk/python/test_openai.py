"""What a program written for the OpenAI API gets from us."""

import json
import urllib.error
import urllib.request
from decimal import Decimal

import openai
import pytest
from openai import OpenAI

QUESTION = [{"role": "user", "content": "Name three rivers."}]

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def get(client: OpenAI, path: str) -> dict:
    request = urllib.request.Request(
        f"{str(client.base_url).rstrip('/')}{path}",
        headers={"Authorization": f"Bearer {client.api_key}"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        # Decimals, because a float would round the figures that we compare.
        return json.load(response, parse_float=Decimal)


def test_lists_models(client: OpenAI):
    models = list(client.models.list())
    assert len(models) >= 30
    assert len({model.id for model in models}) == len(models)
    for model in models:
        assert "/" in model.id
        assert model.created > 0


def test_answers_whole(client: OpenAI, model: str):
    answer = client.chat.completions.create(model=model, messages=QUESTION, max_tokens=64)
    assert answer.id.startswith("gen-")
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.completion_tokens > 0
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.model_extra["cost"] > 0


def test_streams_with_usage_last(client: OpenAI, model: str):
    chunks = list(
        client.chat.completions.create(
            model=model,
            messages=QUESTION,
            max_tokens=64,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].id.startswith("gen-")
    text = "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)
    assert text
    reasons = [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason]
    assert len(reasons) == 1 and reasons[0] in ("stop", "length")
    usages = [chunk.usage for chunk in chunks if chunk.usage]
    assert len(usages) == 1 and chunks[-1].usage is usages[0]
    assert usages[0].completion_tokens > 0
    assert usages[0].model_extra["cost"] > 0


def test_stream_helper_accumulates(client: OpenAI, model: str):
    # Unbounded, because the helper makes an exception of an answer that was cut.
    with client.chat.completions.stream(model=model, messages=QUESTION) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert "".join(pieces) == final.choices[0].message.content


def test_max_tokens_bounds_the_answer(client: OpenAI, model: str):
    answer = client.chat.completions.create(model=model, messages=QUESTION, max_tokens=5)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens <= 5


def test_several_turns_and_a_system_message(client: OpenAI, model: str):
    answer = client.chat.completions.create(
        model=model,
        max_tokens=32,
        messages=[
            {"role": "system", "content": "You are brief."},
            {"role": "user", "content": "Hello."},
            {"role": "assistant", "content": "Good day."},
            {"role": "user", "content": [{"type": "text", "text": "And a long one: é 漢字 🙂"}]},
        ],
    )
    assert answer.choices[0].message.content


def test_calls_a_tool_and_takes_its_result(client: OpenAI, model: str):
    question = [{"role": "user", "content": "What is the weather in Oslo?"}]
    first = client.chat.completions.create(
        model=model,
        messages=question,
        tools=[WEATHER],
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
        max_tokens=128,
    )
    call = first.choices[0].message.tool_calls[0]
    assert first.choices[0].finish_reason == "tool_calls"
    assert call.id and call.type == "function"
    assert call.function.name == "get_weather"
    assert isinstance(json.loads(call.function.arguments), dict)

    second = client.chat.completions.create(
        model=model,
        tools=[WEATHER],
        max_tokens=64,
        messages=[
            *question,
            first.choices[0].message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": '{"celsius": 4}'},
        ],
    )
    assert second.choices[0].message.content


def test_streams_a_tool_call_in_pieces(client: OpenAI, model: str):
    stream = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "What is the weather in Oslo?"}],
        tools=[WEATHER],
        tool_choice="required",
        max_tokens=128,
        stream=True,
    )
    arguments, names, ids = "", [], []
    for chunk in stream:
        for choice in chunk.choices:
            for call in choice.delta.tool_calls or []:
                arguments += call.function.arguments or ""
                names += [call.function.name] if call.function.name else []
                ids += [call.id] if call.id else []
    assert names == ["get_weather"] and len(ids) == 1
    assert isinstance(json.loads(arguments), dict)


def test_generation_and_credits_agree_with_the_answer(client: OpenAI, model: str):
    before = get(client, "/credits")["data"]
    response = client.chat.completions.with_raw_response.create(
        model=model, messages=QUESTION, max_tokens=16
    )
    answer = response.parse()
    assert response.headers["x-generation-id"] == answer.id
    generation = get(client, f"/generation?id={answer.id}")["data"]
    after = get(client, "/credits")["data"]
    cost = Decimal(str(generation["total_cost"]))
    assert generation["id"] == answer.id
    assert generation["model"] == answer.model or generation["model"].startswith(model.split(":")[0])
    assert cost > 0
    assert cost == Decimal(str(answer.usage.model_extra["cost"]))
    assert after["total_usage"] - before["total_usage"] == cost
    assert after["total_credits"] == before["total_credits"]


def test_the_short_mount_answers_too(url: str, client: OpenAI, model: str):
    short = OpenAI(base_url=f"{url}/v1", api_key=client.api_key, max_retries=0)
    answer = short.chat.completions.create(model=model, messages=QUESTION, max_tokens=8)
    assert answer.choices[0].message.content


def test_a_wrong_key_is_an_authentication_error(url: str):
    stranger = OpenAI(base_url=f"{url}/api/v1", api_key="sk-ep-v1-" + "0" * 64, max_retries=0)
    with pytest.raises(openai.AuthenticationError) as caught:
        stranger.chat.completions.create(model="a/b", messages=QUESTION)
    assert caught.value.status_code == 401
    assert caught.value.body["code"] == 401
    assert caught.value.body["message"]


def test_an_unknown_model_is_named(client: OpenAI):
    with pytest.raises((openai.NotFoundError, openai.BadRequestError)) as caught:
        client.chat.completions.create(model="nobody/nothing", messages=QUESTION)
    assert "nobody/nothing" in caught.value.body["message"]


def test_empty_messages_are_a_bad_request(client: OpenAI, model: str):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=model, messages=[])
    assert "messages" in caught.value.body["message"]


def test_a_wrong_type_names_its_field(client: OpenAI, model: str):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model=model, messages=QUESTION, extra_body={"temperature": "warm"}
        )
    assert "temperature" in caught.value.body["message"]


def test_an_error_before_a_stream_is_still_an_exception(client: OpenAI):
    with pytest.raises(openai.APIStatusError):
        client.chat.completions.create(model="nobody/nothing", messages=QUESTION, stream=True)


def test_leaving_a_stream_early_is_harmless(client: OpenAI, model: str):
    stream = client.chat.completions.create(
        model=model, messages=QUESTION, max_tokens=256, stream=True
    )
    next(iter(stream))
    stream.close()
    # The connection is dropped mid-answer; the next request must not notice.
    answer = client.chat.completions.create(model=model, messages=QUESTION, max_tokens=8)
    assert answer.choices[0].message.content


def test_many_at_once(client: OpenAI, model: str):
    from concurrent.futures import ThreadPoolExecutor

    def ask(n: int) -> str:
        answer = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": f"Number {n}"}], max_tokens=16
        )
        return answer.id

    with ThreadPoolExecutor(max_workers=8) as pool:
        ids = list(pool.map(ask, range(24)))
    assert len(set(ids)) == 24


def test_errors_outside_inference_have_the_same_envelope(client: OpenAI):
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(client, "/generation?id=gen-0000000000-aaaaaaaaaaaaaaaaaaaa")
    assert caught.value.code == 404
    body = json.loads(caught.value.read())
    assert body["error"]["code"] == 404 and body["error"]["message"]
