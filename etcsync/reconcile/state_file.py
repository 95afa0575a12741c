"""The small files of JSON in the state directory: read strictly, replaced as a whole.

Text in them may have surrogate escapes, which pydantic's own JSON refuses.
"""

import json
import os
from typing import Generic, TypeVar

from pydantic import BaseModel

from etcsync.atomic_file import write_file
from etcsync.errors import StateError

Content = TypeVar("Content", bound=BaseModel)


class StateFile(Generic[Content]):
    """One such file.

    Attributes:
        path: Where it is.
    """

    def __init__(self, path: str, model: type[Content], *, tells: str, remedy: str) -> None:
        """Describe the file; read nothing yet.

        Args:
            path: Where it is.
            model: What it holds.
            tells: What is known by it, as "which clients are suspended".
            remedy: What helps where it is damaged, in sentences.
        """
        self.path = path
        self._model = model
        self._tells = tells
        self._remedy = remedy

    def read(self) -> Content | None:
        """Return what the file holds, or None where there is none.

        Raises:
            StateError: It is damaged or cannot be read.
        """
        try:
            with open(self.path, "rb") as stream:
                return self._model.model_validate(json.load(stream))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(
                f"{self.path}, which tells {self._tells}, cannot be read: {error.strerror}",
                hint="Run etcsync as root." if isinstance(error, PermissionError) else None,
            ) from error
        except (ValueError, RecursionError) as error:  # not JSON, not text, or not the model's
            raise StateError(
                f"{self.path} is damaged, so that it is not known {self._tells}", hint=self._remedy
            ) from error

    def write(self, content: Content) -> None:
        """Replace what the file holds.

        Raises:
            StateError: It cannot be written; what it held is unchanged.
        """
        text = json.dumps(content.model_dump(mode="json", by_alias=True), indent=1)
        try:
            write_file(self.path, f"{text}\n".encode(), mode=0o600)
        except OSError as error:
            raise StateError(
                f"{self.path} cannot be written: {os.strerror(error.errno or 0)}"
            ) from error
