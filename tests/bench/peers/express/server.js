// Express with node-redis (which pipelines by itself) and pg with prepared statements, cache-aside. One process on PORT.
'use strict';
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const express = require('express');
const { Pool } = require('pg');
const { createClient } = require('redis');

const { DATABASE_URL, REDIS_URL, PORT } = process.env;
const PREFIX = 'bench-express:';
const KEEP_SECONDS = 3600;

const parts = readFileSync(join(__dirname, '..', 'queries.sql'), 'utf8').split('-- name: ').slice(1);
const queries = Object.fromEntries(parts.map((part) => {
  const end = part.indexOf('\n');
  return [part.slice(0, end), part.slice(end + 1)];
}));

const pool = new Pool({ connectionString: DATABASE_URL, max: 20 });
pool.on('error', (error) => console.error(error.message));
const cache = createClient({ url: REDIS_URL });
cache.on('error', (error) => console.error(error.message));

const ask = async (name, values) => (await pool.query({ name, text: queries[name], values })).rows[0];

const read = (kind) => async (request, response) => {
  const id = Number(request.params.id);
  if (!Number.isSafeInteger(id) || id < 1) return response.sendStatus(400);
  const key = `${PREFIX}${kind}:${id}`;
  let body = await cache.get(key);
  if (body === null) {
    const row = await ask(kind, [id]);
    if (!row) return response.sendStatus(404);
    body = row.body;
    await cache.set(key, body, { EX: KEEP_SECONDS });
  }
  return response.type('json').send(body);
};

const app = express();
app.disable('x-powered-by');
app.set('etag', false);
app.set('query parser', false);
app.get('/products/:id', read('product'));
app.get('/products/:id/styles', read('styles'));
app.get('/products/:id/related', read('related'));
app.post('/cart', express.json(), async (request, response) => {
  const { session_id: session, sku_id: sku, count = 1 } = request.body;
  response.sendStatus((await ask('add', [String(session), sku, count])) ? 201 : 404);
});

cache.connect().then(() => app.listen(Number(PORT), '127.0.0.1'));
