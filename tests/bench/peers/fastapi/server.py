"""FastAPI on uvicorn (uvloop, httptools) with redis.asyncio (hiredis) and asyncpg, which prepares, cache-aside.

One process: ``uvicorn --app-dir FOLDER --no-access-log --log-level warning --port PORT server:app``.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import redis.asyncio as redis
from fastapi import FastAPI, Response
from pydantic import BaseModel

PREFIX = "bench-fastapi:"
KEEP_SECONDS = 3600

_parts = Path(__file__).parents[1].joinpath("queries.sql").read_text("utf-8").split("-- name: ")[1:]
QUERIES = {name: text for name, _, text in (part.partition("\n") for part in _parts)}


@asynccontextmanager
async def _stores(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=20)
    app.state.cache = redis.Redis.from_url(os.environ["REDIS_URL"], max_connections=1024)
    yield
    await app.state.cache.aclose()
    await app.state.pool.close()


app = FastAPI(lifespan=_stores, openapi_url=None)


async def _read(kind: str, product_id: int) -> Response:
    key = f"{PREFIX}{kind}:{product_id}"
    body = await app.state.cache.get(key)
    if body is None:
        body = await app.state.pool.fetchval(QUERIES[kind], product_id)
        if body is None:
            return Response(status_code=404)
        await app.state.cache.set(key, body, ex=KEEP_SECONDS)
    return Response(body, media_type="application/json")


@app.get("/products/{product_id}")
async def product(product_id: int) -> Response:
    return await _read("product", product_id)


@app.get("/products/{product_id}/styles")
async def styles(product_id: int) -> Response:
    return await _read("styles", product_id)


@app.get("/products/{product_id}/related")
async def related(product_id: int) -> Response:
    return await _read("related", product_id)


class Addition(BaseModel):
    session_id: str
    sku_id: int
    count: int = 1


@app.post("/cart")
async def add(addition: Addition) -> Response:
    row = await app.state.pool.fetchval(QUERIES["add"], addition.session_id, addition.sku_id, addition.count)
    return Response(status_code=201 if row else 404)
