"""Whatever people bring as data, read: a whole, rows one by one, or batches."""

from fusionlab.rows.portions import Portion, as_target, whole_inputs
from fusionlab.rows.refusals import refuse
from fusionlab.rows.sources import is_numbered, portions, read_numbered, read_rows

__all__ = [
    "Portion",
    "as_target",
    "is_numbered",
    "portions",
    "read_numbered",
    "read_rows",
    "refuse",
    "whole_inputs",
]
