"""A program that tells one service through apprise, which is installed as ``etcsync[notify]``.

It reads ``{"url", "title", "body"}`` as JSON from its standard input. It prints nothing that
apprise says: URLs hold passwords.
"""

import json
import logging
import sys


def main() -> int:
    """Tell the service; return 0 when it took the message."""
    import apprise  # noqa: PLC0415 - an extra: this module can be looked at without it

    logging.disable()
    message = json.load(sys.stdin)
    service = apprise.Apprise()
    if not service.add(message["url"]):
        print("apprise does not understand the URL")
        return 1
    taken = service.notify(
        body=message["body"], title=message["title"], body_format=apprise.NotifyFormat.TEXT
    )
    if not taken:
        print("the service did not take the message")
    return 0 if taken else 1


if __name__ == "__main__":
    sys.exit(main())
