"""Django's PostgreSQL engine, with fewer questions to the database before each request's own."""
