"""What is read from a file and checked as a whole."""

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A file, or a table in one: what it does not know, it refuses; it never changes.

    What checks it is built for the first that is read, as that takes longer than to read it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
