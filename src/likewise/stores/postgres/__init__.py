"""What the store in PostgreSQL is made of; it imports psycopg."""
