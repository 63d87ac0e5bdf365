"""Floors: bare Django views that run the SQL of a hot path and nothing else, served by the product's own web server."""
