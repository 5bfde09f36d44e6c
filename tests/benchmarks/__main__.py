"""Measure: `python -m tests.benchmarks [ROW ...]` prints the tables, all rows when none is named."""

import sys

from tests.benchmarks import crews, execution, fanout, page, parking, processes
from tests.benchmarks.report import markdown

#: Every row by its name; a row yields lines of a table.
ROWS = {**fanout.ROWS, **execution.ROWS, **crews.ROWS, **parking.ROWS, **page.ROWS, **processes.ROWS}


def main(names: list[str]) -> None:
    """Run the rows and print each table as soon as it is complete."""
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        sys.exit(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    for name in names or ROWS:
        print(markdown(ROWS[name]()), end="\n\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
