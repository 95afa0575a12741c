"""Reading the ``host`` blocks of an ISC dhcpd.conf, after dhcpd.conf(5). Pure.

A host block counts wherever it stands: in a group, a subnet, a pool, a class. Whatever else is in
the file is read far enough to know where it ends, and never shown: there are keys among it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from etcsync.host.inventory.dhcpd_host import Host, name_hosts, read_statement
from etcsync.host.inventory.dhcpd_tokens import Token, tokens
from etcsync.host.inventory.draft import SHOWN
from etcsync.host.inventory.model import Format, Include, Place, Reading, Remark


class Block(NamedTuple):
    """A block that is open: what it is called, where it began, and the host that it describes."""

    name: str
    place: Place
    host: Host | None


def read_dhcpd(text: str, file: str) -> Reading:
    """Return what the dhcpd.conf ``text`` says.

    A host goes by the name that ``option host-name`` gives it, for by that name it asks for its
    tree; else, and where several are given the same, by the name of its block.
    """
    reader = _Reader(file)
    for token in tokens(text):
        reader.take(token)
    reader.end()
    name_hosts(reader.hosts)
    entries = [entry for host in reader.hosts if (entry := host.entry())]
    found = [remark for host in reader.hosts for remark in host.remarks()]
    return Reading(tuple(entries), tuple(found + reader.remarks), tuple(reader.includes))


@dataclass(slots=True)
class _Reader:
    file: str
    statement: list[Token] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    hosts: list[Host] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)

    def take(self, token: Token) -> None:
        """Go on by one token."""
        if token.is_open:
            self.remarks.append(Remark(self._place(token), "a quote is not closed"))
        if token.is_sign(";"):
            self._end_statement()
        elif token.is_sign("{"):
            self._open(token)
        elif token.is_sign("}"):
            self._close(token)
        else:
            self.statement.append(token)

    def end(self) -> None:
        """Say which blocks are open at the end of the file; what was read of them counts."""
        self._end_statement()
        for block in reversed(self.blocks):
            self.remarks.append(Remark(block.place, f"the block {block.name!r} is not closed"))

    def _place(self, token: Token) -> Place:
        return Place(self.file, token.line)

    def _open(self, token: Token) -> None:
        header, self.statement = self.statement, []
        place = self._place(header[0] if header else token)
        name = header[0].text[:SHOWN] if header else "{"
        host = None
        if header and not header[0].quoted and header[0].text.lower() == "host":
            host, name = self._host(header, place)
        self.blocks.append(Block(name, place, host))

    def _host(self, header: list[Token], place: Place) -> tuple[Host, str]:
        """Begin a host block; return what is to be known of it, and what it is called."""
        draft = Host(place)
        self.hosts.append(draft)
        if len(header) != 2:
            draft.refuse(place, "a host block has one name between 'host' and '{'")
            return draft, "host"
        draft.add_name(header[1].text, place)
        if self.blocks and (outer := self.blocks[-1]).host:
            what = f"stands in the block {outer.name!r} of {outer.place}; is a '}}' missing?"
            self.remarks.append(Remark(place, f"host {header[1].text[:SHOWN]} {what}"))
        return draft, f"host {header[1].text[:SHOWN]}"

    def _close(self, token: Token) -> None:
        self._end_statement()
        if self.blocks:
            self.blocks.pop()
        else:
            self.remarks.append(Remark(self._place(token), "'}' closes no block"))

    def _end_statement(self) -> None:
        words, self.statement = self.statement, []
        if not words:
            return
        if [word.text for word in words[:1]] == ["include"] and len(words) == 2:
            self.includes.append(Include(self._place(words[0]), words[1].text, Format.DHCPD))
        elif self.blocks and (host := self.blocks[-1].host):
            read_statement(host, [word.text for word in words], self._place(words[0]))
