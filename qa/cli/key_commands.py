"""``qa key``: the keys with which people and programs may ask."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from qa import config
from qa.cli.options import Text, json_option
from qa.cli.output import printable

if TYPE_CHECKING:
    from qa.web.access.keys import Keys


@click.group()
def key() -> None:
    """Create, list and revoke the keys of the service."""


@key.command("create")
@click.argument("name", type=Text())
def create_key(name: str) -> None:
    """Create a key for NAME and print it. It is shown only this once."""
    click.echo(_keys().create(name))


@key.command("list")
@json_option
def list_keys(as_json: bool) -> None:  # noqa: FBT001
    """List the id, date and name of each key, not the key itself."""
    keys = _keys().all()
    if as_json:
        entries = [{"id": each.id, "name": each.name, "created": each.created} for each in keys]
        click.echo(json.dumps(entries, ensure_ascii=False))
        return
    for each in keys:
        click.echo(f"{each.id}  {each.created}  {printable(each.name)}")


@key.command("revoke")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """Revoke the key with this id, at once."""
    keys = _keys()
    click.echo(f"the key of {printable(keys.revoke(key_id).name)} is revoked")
    if not keys.all():
        click.echo("qa: that was the last key: nobody may ask until you create another", err=True)


def _keys() -> Keys:
    from qa.web.access.keys import Keys

    return Keys(config.load().keys)
