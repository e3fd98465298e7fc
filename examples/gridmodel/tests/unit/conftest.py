"""Parts of the service, in this process."""

import json

import pytest

from gridmodel.app import create_app
from gridmodel.config import Config
from gridmodel.grid import dataset
from gridmodel.grid.network import load


@pytest.fixture(scope="session")
def small():
    """The data set that `{"n_steps": 50, "n_buses": 14, "seed": 1}` asks for."""
    return dataset.generate(load(14), n_steps=50, seed=1)


@pytest.fixture
def client_of():
    """A client of an application that runs in this process."""

    def client_of(**config):
        return create_app(Config(**config)).test_client()

    return client_of


@pytest.fixture(scope="session")
def client():
    """The application without faults."""
    return create_app(Config()).test_client()


@pytest.fixture(scope="session")
def post(client):
    """Post JSON to the application; gives status and answer."""

    def post(path, body):
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        answer = client.post(path, data=text)
        return answer.status_code, answer.get_json()

    return post
