"""The official client, unchanged but for base URL and key."""

import os

import pytest
from openai import OpenAI


@pytest.fixture(scope="session")
def url() -> str:
    return os.environ["ENTREPOT_URL"]


@pytest.fixture(scope="session")
def client(url: str) -> OpenAI:
    # No retries: a second try would hide a first failure.
    return OpenAI(
        base_url=f"{url}/api/v1",
        api_key=os.environ["ENTREPOT_API_KEY"],
        max_retries=0,
        timeout=30,
    )


@pytest.fixture(scope="session")
def model(client: OpenAI) -> str:
    """A priced text model that takes tools and has an endpoint."""
    for model in client.models.list():
        extra = model.model_extra or {}
        if "tools" not in extra.get("supported_parameters", []):
            continue
        if extra["architecture"]["output_modalities"] == ["text"] and float(extra["pricing"]["completion"]) > 0:
            return model.id
    raise AssertionError("the catalog has no priced text model that takes tools")
