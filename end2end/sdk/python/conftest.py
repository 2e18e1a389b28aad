"""The official clients, unchanged but for base URL and key."""

import os
from collections.abc import Callable, Iterator

import anthropic
import cohere
import pytest
from openai import OpenAI
from openrouter import OpenRouter


@pytest.fixture(scope="session")
def url() -> str:
    return os.environ["ENTREPOT_URL"]


@pytest.fixture(scope="session")
def key() -> str:
    return os.environ["ENTREPOT_API_KEY"]


@pytest.fixture(scope="session")
def client(url: str, key: str) -> OpenAI:
    # No retries: a second try would hide a first failure.
    return OpenAI(base_url=f"{url}/api/v1", api_key=key, max_retries=0, timeout=30)


@pytest.fixture(scope="session")
def claude(url: str, key: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=f"{url}/api", api_key=key, max_retries=0, timeout=30)


@pytest.fixture(scope="session")
def router(url: str, key: str) -> Iterator[OpenRouter]:
    with OpenRouter(api_key=key, server_url=f"{url}/api/v1", timeout_ms=30_000) as client:
        yield client


@pytest.fixture(scope="session")
def ranker(url: str, key: str) -> cohere.Client:
    return cohere.Client(api_key=key, base_url=f"{url}/api", timeout=30, max_retries=0)


@pytest.fixture(scope="session")
def find(client: OpenAI) -> Callable[..., str]:
    """Finds a priced model by what it takes and gives."""

    models = list(client.models.list())

    def find(*parameters: str, takes: str = "text", gives: str = "text", by: str = "") -> str:
        for model in models:
            extra = model.model_extra or {}
            if (
                model.id.startswith(by)
                and all(p in extra.get("supported_parameters", []) for p in parameters)
                and takes in extra["architecture"]["input_modalities"]
                and gives in extra["architecture"]["output_modalities"]
                and float(extra["pricing"]["completion"]) > 0
            ):
                return model.id
        raise AssertionError(f"no {by or 'priced'} model takes {takes} and {parameters}, and gives {gives}")

    return find


@pytest.fixture(scope="session")
def model(find: Callable[..., str]) -> str:
    """A priced text model that takes tools and has an endpoint."""
    return find("tools")


# One grey pixel.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB3UNq9AAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="session")
def pixel() -> str:
    """A PNG in base64."""
    return PIXEL
