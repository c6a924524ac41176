"""OceanBase in its MySQL mode: what it does in its own way among the engines of the MySQL family."""

import re
from collections.abc import Mapping

from connect_core.store.engine.mysql_engine import MysqlEngine

_NO_LIMIT_SECONDS = 30 * 24 * 3600
"""OceanBase always has a limit; a month is none."""
_INDEX_OPTIONS = re.compile(r" BLOCK_SIZE \d+( LOCAL| GLOBAL)?(?=,?$)", re.MULTILINE)


class Oceanbase(MysqlEngine):
    """An OceanBase cluster, or seekdb, its edition for one machine."""

    name = "OceanBase"
    oldest = (4, 0)

    exact_collation = ""  # utf8mb4_bin ignores trailing blanks

    @property
    def has_skip_locked(self) -> bool:
        """Tried on 4.3.5."""
        return self.version >= (4, 3, 5)

    def get_statement_limits(self, seconds: int) -> Mapping[str, int]:
        """Limit every statement, in microseconds; without a limit transactions may last as long too."""
        if seconds:
            return {"ob_query_timeout": seconds * 1_000_000}
        return dict.fromkeys(("ob_query_timeout", "ob_trx_timeout"), _NO_LIMIT_SECONDS * 1_000_000)

    def simplify_definition(self, definition: str) -> str:
        """Leave out where the blocks of an index are."""
        return _INDEX_OPTIONS.sub("", definition)
