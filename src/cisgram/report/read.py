"""Files of a run as the page wants them: absent is ``None``, broken is an `InputError`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cisgram.core import config, files
from cisgram.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def table(path: Path, *, needs: Sequence[str] = ()) -> pd.DataFrame | None:
    """A TSV with every value as text (a sequence named ``007`` or ``nan`` keeps its name).

    Parameters
    ----------
    path
        The file.
    needs
        Columns that must be there.

    Returns
    -------
    DataFrame or None
        ``None`` when the file is absent.

    Raises
    ------
    InputError
        When it is not such a table; the message names file and line.
    """
    import pandas as pd

    if not path.is_file():
        return None
    try:
        rows = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, index_col=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        msg = f"{path} is not a tab-separated table: {error}. Run the step that writes it again."
        raise InputError(msg) from error
    missing = [c for c in needs if c not in rows.columns]
    if missing:
        msg = (
            f"{path} must have the columns {', '.join(needs)}; it has {', '.join(rows.columns)}. "
            "Run the step that writes it again."
        )
        raise InputError(msg)
    return rows.fillna("")


def numeric(column: pd.Series) -> pd.Series:
    """A column of text as float64; what is no number becomes NaN."""
    import pandas as pd

    return pd.to_numeric(column, errors="coerce").astype("float64")


def mapping(path: Path) -> dict[str, Any] | None:
    """A JSON or TOML file that holds names and values; ``None`` when absent.

    Raises
    ------
    InputError
        When it cannot be read or holds something else.
    """
    if not path.is_file():
        return None
    value = config.read_toml(path) if path.suffix == ".toml" else files.read_json(path)
    if not isinstance(value, dict):
        msg = f"{path} must hold names and values; it holds {type(value).__name__}."
        raise InputError(msg)
    return value
