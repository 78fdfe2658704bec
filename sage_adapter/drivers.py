"""The drivers of Sage 100 Contractor, named in the setting ERP_KINDS."""

from erp_integrations.ports import ErpDriver, ServerTools
from sage_adapter import odbc_string
from sage_adapter.faults import FAULTS
from sage_adapter.login_script import login_script
from sage_adapter.reader import open_reader
from sage_adapter.sandbox import open_sandbox
from sage_adapter.sandbox_writer import open_sandbox_writer
from sage_adapter.worksheet import open_worksheet_writer

NAME = "Sage 100 Contractor®"

ODBC = ErpDriver(
    name=NAME,
    open_reader=open_reader,
    writers={"worksheet": open_worksheet_writer},  # never another: Plumbline does not write to a real Sage
    faults=FAULTS,
    server=ServerTools(
        odbc_drivers=odbc_string.OFFERED_DRIVERS,
        parts_of=odbc_string.parts_of,
        string_of=odbc_string.string_of,
        check_string=odbc_string.check,
        database_named_in=odbc_string.database_named_in,
        login_script=login_script,
    ),
)

SANDBOX = ErpDriver(
    name=NAME,
    open_reader=open_reader,
    writers={"worksheet": open_worksheet_writer, "sandbox": open_sandbox_writer},
    faults=FAULTS,
    open_sandbox=open_sandbox,
)
