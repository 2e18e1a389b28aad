"""Anthropic's client, pointed at `/api`."""

import anthropic
import pytest
from anthropic import Anthropic

QUESTION = [{"role": "user", "content": "Name three rivers."}]
WEATHER = {
    "name": "get_weather",
    "description": "Tells the weather of a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


@pytest.fixture(scope="session", params=["anthropic/", ""], ids=["claude", "another"])
def spoken(request, find) -> str:
    """A model whose provider speaks the same dialect, and one whose provider does not."""
    if request.param:
        return find("tools", "reasoning", by=request.param)
    for author in ("openai/", "deepseek/", "qwen/", "google/"):
        try:
            return find("tools", "reasoning", by=author)
        except AssertionError:
            continue
    raise AssertionError("there is no other model with tools and reasoning")


def test_answers_whole(claude: Anthropic, spoken: str):
    answer = claude.messages.create(
        model=spoken, max_tokens=512, system="You are brief.", messages=QUESTION
    )
    assert answer.type == "message" and answer.role == "assistant"
    assert answer.content[0].type == "text" and answer.content[0].text
    assert answer.stop_reason in ("end_turn", "max_tokens")
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0


def test_stream_helper_accumulates(claude: Anthropic, spoken: str):
    with claude.messages.stream(model=spoken, max_tokens=512, messages=QUESTION) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text and text == "".join(block.text for block in final.content if block.type == "text")
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens > 0


def test_raw_events_are_in_order(claude: Anthropic, spoken: str):
    events = list(
        claude.messages.create(model=spoken, max_tokens=512, messages=QUESTION, stream=True)
    )
    kinds = [event.type for event in events if event.type != "ping"]
    assert kinds[0] == "message_start"
    assert kinds[1] == "content_block_start"
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_is_cut_at_max_tokens(claude: Anthropic, spoken: str):
    answer = claude.messages.create(model=spoken, max_tokens=5, messages=QUESTION)
    assert answer.stop_reason == "max_tokens"


def test_runs_a_tool_to_the_end(claude: Anthropic, spoken: str):
    conversation = [{"role": "user", "content": "What is the weather in Oslo?"}]
    ask = {"model": spoken, "max_tokens": 512, "tools": [WEATHER]}
    first = claude.messages.create(messages=conversation, tool_choice={"type": "any"}, **ask)
    assert first.stop_reason == "tool_use"
    call = next(block for block in first.content if block.type == "tool_use")
    assert call.name == "get_weather" and isinstance(call.input["city"], str)
    conversation += [
        {"role": "assistant", "content": first.content},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "4 degrees"}],
        },
    ]
    second = claude.messages.create(messages=conversation, **ask)
    assert second.content[-1].text


def test_streams_the_input_of_a_tool(claude: Anthropic, spoken: str):
    with claude.messages.stream(
        model=spoken,
        max_tokens=512,
        tools=[WEATHER],
        tool_choice={"type": "tool", "name": "get_weather"},
        messages=[{"role": "user", "content": "What is the weather in Oslo?"}],
    ) as stream:
        final = stream.get_final_message()
    call = next(block for block in final.content if block.type == "tool_use")
    assert isinstance(call.input["city"], str)


def test_thinking_goes_back(claude: Anthropic, spoken: str):
    ask = {
        "model": spoken,
        "max_tokens": 4096,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    first = claude.messages.create(messages=QUESTION, **ask)
    thoughts = [block for block in first.content if block.type in ("thinking", "redacted_thinking")]
    assert thoughts and first.content[-1].type == "text"
    conversation = [
        *QUESTION,
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": "And a fourth?"},
    ]
    second = claude.messages.create(messages=conversation, **ask)
    assert second.content[-1].text


def test_claude_signs_its_thoughts(claude: Anthropic, find):
    with claude.messages.stream(
        model=find("tools", "reasoning", by="anthropic/"),
        max_tokens=4096,
        thinking={"type": "enabled", "budget_tokens": 1024},
        messages=QUESTION,
    ) as stream:
        final = stream.get_final_message()
    thought = final.content[0]
    assert thought.type == "thinking" and thought.thinking and thought.signature


def test_an_image_and_a_document_go_in(claude: Anthropic, find, pixel: str):
    pdf = "JVBERi0xLjQKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZz4+ZW5kb2JqCnRyYWlsZXI8PC9Sb290IDEgMCBSPj4KJSVFT0YK"
    source = lambda kind, data: {"type": "base64", "media_type": kind, "data": data}
    answer = claude.messages.create(
        model=find(takes="file", by="anthropic/"),
        max_tokens=64,
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": source("image/png", pixel)},
                    {"type": "document", "source": source("application/pdf", pdf)},
                    {"type": "text", "text": "What is this?"},
                ],
            }
        ],
    )
    assert answer.content[0].text


def test_a_marked_prefix_is_written_and_then_read(claude: Anthropic, find):
    system = [
        {
            "type": "text",
            "text": "You know every harbour of the world. " * 600,
            "cache_control": {"type": "ephemeral"},
        }
    ]
    ask = {
        "model": find("tools", by="anthropic/"),
        "max_tokens": 32,
        "system": system,
        # A cache is one provider's; which one answers is a draw.
        "extra_body": {"provider": {"only": ["anthropic"]}},
    }
    first = claude.messages.create(messages=QUESTION, **ask)
    second = claude.messages.create(messages=QUESTION, **ask)
    assert first.usage.cache_creation_input_tokens > 0
    assert second.usage.cache_read_input_tokens > 0


def test_counts_tokens(claude: Anthropic, spoken: str):
    short = claude.messages.count_tokens(model=spoken, messages=QUESTION)
    long = claude.messages.count_tokens(
        model=spoken, messages=[{"role": "user", "content": "Name three rivers. " * 50}]
    )
    assert 0 < short.input_tokens < long.input_tokens


def test_errors_are_the_clients_own(claude: Anthropic, url: str, spoken: str):
    with pytest.raises(anthropic.BadRequestError) as caught:
        claude.messages.create(model=spoken, max_tokens=0, messages=QUESTION)
    assert caught.value.body["type"] == "error"
    assert caught.value.body["error"]["type"] == "invalid_request_error"
    assert "max_tokens" in caught.value.body["error"]["message"]
    with pytest.raises((anthropic.NotFoundError, anthropic.BadRequestError)) as caught:
        claude.messages.create(model="nobody/nothing", max_tokens=8, messages=QUESTION)
    assert "nobody/nothing" in caught.value.body["error"]["message"]
    stranger = Anthropic(base_url=f"{url}/api", api_key="sk-ep-v1-" + "0" * 64, max_retries=0)
    with pytest.raises(anthropic.AuthenticationError):
        stranger.messages.create(model=spoken, max_tokens=8, messages=QUESTION)


def test_the_key_goes_in_either_header(url: str, key: str, spoken: str):
    bearer = Anthropic(base_url=f"{url}/api", auth_token=key, max_retries=0)
    assert bearer.messages.create(model=spoken, max_tokens=8, messages=QUESTION).content


def test_leaving_a_stream_early_is_harmless(claude: Anthropic, spoken: str):
    with claude.messages.stream(model=spoken, max_tokens=512, messages=QUESTION) as stream:
        next(iter(stream))
    assert claude.messages.create(model=spoken, max_tokens=8, messages=QUESTION).content
