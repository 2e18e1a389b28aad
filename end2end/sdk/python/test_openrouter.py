"""OpenRouter's client. Its models of responses are strict, so reading an answer checks its shape."""

import pytest
from openrouter import OpenRouter, errors

QUESTION = [{"role": "user", "content": "Name three rivers."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def split(slug: str) -> dict[str, str]:
    author, name = slug.split("/", 1)
    return {"author": author, "slug": name}


def test_lists_models(router: OpenRouter):
    models = router.models.list().result.data
    assert len(models) >= 30 and all("/" in model.id for model in models)


def test_counts_models(router: OpenRouter):
    assert router.models.count().data.count >= 30


def test_tells_of_a_model(router: OpenRouter, model: str):
    assert router.models.get(**split(model)).data.id == model


def test_lists_the_endpoints_of_a_model(router: OpenRouter, model: str):
    listed = router.endpoints.list(**split(model)).data
    assert listed.id == model and listed.endpoints
    assert all(endpoint.provider_name for endpoint in listed.endpoints)


def test_every_model_reads_with_its_endpoints(router: OpenRouter):
    for model in router.models.list(output_modalities="all").result.data:
        listed = router.endpoints.list(**split(model.id)).data
        assert listed.id == model.id and listed.endpoints


def test_lists_providers(router: OpenRouter):
    providers = router.providers.list().data
    assert providers and all(provider.slug for provider in providers)


def test_lists_models_of_embeddings(router: OpenRouter):
    models = router.embeddings.list_models().result.data
    assert models and all("embeddings" in model.architecture.output_modalities for model in models)


def test_tells_of_the_key(router: OpenRouter):
    key = router.api_keys.get_current_key_metadata().data
    assert key.usage >= 0 and key.label


def test_tells_of_credits(router: OpenRouter):
    credits = router.credits.get_credits().data
    assert credits.total_credits > 0 and credits.total_usage >= 0


def test_answers_whole(router: OpenRouter, model: str):
    answer = router.chat.send(model=model, messages=QUESTION, max_tokens=64)
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.cost > 0


def test_streams(router: OpenRouter, model: str):
    with router.chat.send(model=model, messages=QUESTION, max_tokens=64, stream=True) as stream:
        chunks = list(stream)
    text = "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)
    assert text
    assert chunks[-1].usage.cost > 0
    assert sum(1 for chunk in chunks if chunk.usage) == 1


def test_says_how_an_answer_came_about(router: OpenRouter, model: str):
    answer = router.chat.send(
        model=model, messages=QUESTION, max_tokens=16, x_open_router_metadata="enabled"
    )
    metadata = answer.openrouter_metadata
    assert metadata.requested == model and metadata.attempt >= 1
    assert any(endpoint.selected for endpoint in metadata.endpoints.available)


def test_calls_a_tool(router: OpenRouter, model: str):
    answer = router.chat.send(
        model=model,
        messages=[{"role": "user", "content": "What is the weather in Oslo?"}],
        tools=[WEATHER],
        tool_choice="required",
    )
    call = answer.choices[0].message.tool_calls[0]
    assert answer.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_weather"


def test_shows_reasoning(router: OpenRouter, find):
    answer = router.chat.send(
        model=find("reasoning", by="anthropic/"),
        messages=QUESTION,
        max_tokens=4096,
        reasoning={"effort": "high"},
        provider={"only": ["anthropic"]},  # Bedrock does not count thoughts.
    )
    message = answer.choices[0].message
    assert message.reasoning and message.content
    assert answer.usage.completion_tokens_details.reasoning_tokens > 0


def test_structures_an_answer(router: OpenRouter, find):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    }
    answer = router.chat.send(
        model=find("structured_outputs"),
        messages=QUESTION,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "river", "strict": True, "schema": schema},
        },
    )
    assert answer.choices[0].message.content.startswith("{")


def test_tells_of_a_generation(router: OpenRouter, model: str):
    answer = router.chat.send(model=model, messages=QUESTION, max_tokens=16)
    generation = router.generations.get_generation(id=answer.id).data
    assert generation.id == answer.id
    assert generation.total_cost == pytest.approx(answer.usage.cost)


def test_responds(router: OpenRouter, model: str):
    answer = router.responses.send(model=model, input="Name three rivers.")
    assert answer.status == "completed" and answer.output
    assert answer.usage.total_tokens > 0


def test_responds_in_events(router: OpenRouter, model: str):
    with router.responses.send(model=model, input="Name three rivers.", stream=True) as stream:
        kinds = [event.type for event in stream]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"


@pytest.mark.parametrize("author", ["anthropic/", "google/", "openai/"])
@pytest.mark.parametrize("stream", [False, True])
def test_responds_with_thoughts_calls_and_schemas(
    router: OpenRouter, find, author: str, stream: bool
):
    model = find("reasoning", "tools", "structured_outputs", by=author)
    function = {"type": "function", "strict": None, **WEATHER["function"]}
    schema = {**function["parameters"], "additionalProperties": False}
    form = {"type": "json_schema", "name": "place", "strict": True, "schema": schema}

    def kinds(**ask) -> set[str]:
        answer = router.responses.send(model=model, input="Why Oslo?", stream=stream, **ask)
        if stream:
            with answer as events:
                last = list(events)[-1]
            assert last.type in ("response.completed", "response.incomplete")
            answer = last.response
        return {item.type for item in answer.output}

    encrypted = ["reasoning.encrypted_content"]
    assert "reasoning" in kinds(reasoning={"effort": "high", "summary": "auto"}, include=encrypted)
    assert "function_call" in kinds(tools=[function], tool_choice="required")
    assert "message" in kinds(text={"format": form})


def test_embeds(router: OpenRouter):
    model = router.embeddings.list_models().result.data[0].id
    answer = router.embeddings.generate(model=model, input=["One river", "Two seas"])
    assert len(answer.data) == 2 and answer.data[0].embedding
    assert answer.usage.prompt_tokens > 0
    assert router.generations.get_generation(id=answer.id).data.total_cost > 0


def test_ranks(router: OpenRouter):
    models = router.models.list(output_modalities="rerank").result.data
    answer = router.rerank.rerank(
        model=models[0].id,
        query="Which river?",
        documents=["The Nile reaches the sea.", "Bread is baked."],
        top_n=1,
    )
    assert len(answer.results) == 1
    assert answer.results[0].document.text


def test_errors_are_the_clients_own(router: OpenRouter, url: str, model: str):
    with pytest.raises(errors.BadRequestResponseError) as caught:
        router.chat.send(model=model, messages=QUESTION, temperature=9)
    assert "temperature" in caught.value.data.error.message
    with OpenRouter(api_key="sk-ep-v1-" + "0" * 64, server_url=f"{url}/api/v1") as stranger:
        with pytest.raises(errors.UnauthorizedResponseError):
            stranger.chat.send(model=model, messages=QUESTION)
    with pytest.raises(errors.NotFoundResponseError):
        router.generations.get_generation(id="gen-0000000000-aaaaaaaaaaaaaaaaaaaa")
