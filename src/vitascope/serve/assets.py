"""Files that users keep here to refer to later: pictures (`file_…`) and characters' clips (`char_…`)."""

import time

from .database import Database, Row

PREFIXES = {"file": "file", "character": "char"}


class Assets:
    """The table of assets; their content lies in storage."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, id: str, kind: str, key: str, name: str, size: int) -> Row:
        with self.database.write() as execute:
            return execute(
                "INSERT INTO assets (id, kind, key, name, size, created_at) VALUES (:id, :kind, :key, :name, :size,"
                " :now) RETURNING *",
                id=id,
                kind=kind,
                key=key,
                name=name,
                size=size,
                now=time.time(),
            )[0]

    def get(self, id: str, kind: str, key: str) -> Row | None:
        rows = self.database.read(
            "SELECT * FROM assets WHERE id = :id AND kind = :kind AND key = :key", id=id, kind=kind, key=key
        )
        return rows[0] if rows else None

    def all(self, kind: str, key: str) -> list[Row]:
        """Newest first."""
        return self.database.read(
            "SELECT * FROM assets WHERE kind = :kind AND key = :key ORDER BY number DESC LIMIT 1000", kind=kind, key=key
        )

    def remove(self, id: str, kind: str, key: str) -> bool:
        with self.database.write() as execute:
            return bool(
                execute(
                    "DELETE FROM assets WHERE id = :id AND kind = :kind AND key = :key RETURNING id",
                    id=id,
                    kind=kind,
                    key=key,
                )
            )

    def find(self, id: str) -> Row | None:
        """An asset, whosever it is."""
        rows = self.database.read("SELECT * FROM assets WHERE id = :id", id=id)
        return rows[0] if rows else None
