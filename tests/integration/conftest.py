"""Catalogues on disk and in databases."""

import pytest

from tests import catalogue_files
from tests.integration.loads import run


@pytest.fixture
def files(tmp_path):
    return catalogue_files.write(tmp_path / "files")


@pytest.fixture
def loaded_url(database_url, files):
    run(database_url, files)
    return database_url


@pytest.fixture(scope="module")
def old_url(new_database, migrated_template, tmp_path_factory):
    """A database that no test changes."""
    url = new_database(migrated_template)
    run(url, catalogue_files.write(tmp_path_factory.mktemp("old")))
    return url
