"""Makes service/web/openapi.json: from the routes, their schemas, and what a running application answers."""
