"""The hub: the server-owned bare repository that holds upstream's history and every client's."""
