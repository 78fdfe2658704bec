"""An embedded Sage company to practise on: a folder with two SQLite files, behind `ports.ErpSandbox`.

Plain Python and the standard library only. `connection.connect` is how the adapter reads it, `writer` its
only writer, `demo_company` what it holds, `faults` what can be made to go wrong.
"""

from pathlib import Path

from erp_integrations.ports import ErpSandbox
from sage_adapter.sandbox.company import Sandbox

__all__ = ["open_sandbox"]


def open_sandbox(folder: Path, *, name: str | None = None) -> ErpSandbox:
    """The practice company in `folder`; nothing is made before `create`.

    `name` says which company `create` makes, `harbor-point` or `ridgeline`. Without it: the one the folder
    holds, else the one the folder is called after, else `harbor-point`. Raises `ValueError` for another name.
    """
    return Sandbox(folder, name=name)
