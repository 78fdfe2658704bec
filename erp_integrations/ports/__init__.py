"""The port: what Plumbline asks of an ERP, in plain Python.

Everything that crosses the border between the product and an ERP is declared here: the questions
(`ErpReader`), the writing (`ErpWriter`), the practice company (`ErpSandbox`), the values they exchange and
the errors they raise. All values are frozen. Row ids are `uuid.UUID`; record numbers and change numbers
come from another system and are therefore text; money is `Decimal` in the company's currency, two places;
every `datetime` is aware.
"""

from erp_integrations.ports.connections import ConnectionSpec, Handshake, PartRefused, Right, ServerParts
from erp_integrations.ports.deadlines import Clock, Deadline
from erp_integrations.ports.errors import (
    ErpError,
    Fault,
    FaultKind,
    Misconfigured,
    NotInErp,
    Unavailable,
    Unexpected,
    error_for,
)
from erp_integrations.ports.findings import (
    ChangeOrderReference,
    Evidence,
    Finding,
    HeaderSeen,
    HistoryEntry,
    OtherRecord,
    Proof,
    Verdict,
)
from erp_integrations.ports.keys import (
    LARGEST_RECORD_NUMBER,
    ChangeOrderKeys,
    KeyBlock,
    KeyRows,
    KeyStream,
    SubcontractChangeKeys,
)
from erp_integrations.ports.reading import MOST_GLANCED_AT_ONCE, MOST_LOOKED_UP_AT_ONCE, ErpReader
from erp_integrations.ports.records import (
    ChangeOrdersFound,
    ErpChangeOrder,
    ErpChangeOrderFound,
    ErpChangeOrderLine,
    ErpJob,
    ErpSubcontract,
    ErpSubcontractLine,
    ErpVendor,
    OddChangeOrder,
    OddRecord,
)
from erp_integrations.ports.sandbox import (
    BulkRecord,
    ChangeOrderEntry,
    EntryLine,
    ErpBulkSandbox,
    ErpSandbox,
    NoSuchRecord,
    SandboxCompany,
    SandboxRecord,
    SandboxScenario,
    SandboxVendor,
)
from erp_integrations.ports.writing import (
    ChangeOrderDraft,
    DraftLine,
    ErpWriter,
    PreparedChangeOrder,
    PreparedField,
    PreparedLine,
    WriteRefused,
)

__all__ = [
    "LARGEST_RECORD_NUMBER",
    "MOST_GLANCED_AT_ONCE",
    "MOST_LOOKED_UP_AT_ONCE",
    "BulkRecord",
    "ChangeOrderDraft",
    "ChangeOrderEntry",
    "ChangeOrderKeys",
    "ChangeOrderReference",
    "ChangeOrdersFound",
    "Clock",
    "ConnectionSpec",
    "Deadline",
    "DraftLine",
    "EntryLine",
    "ErpBulkSandbox",
    "ErpChangeOrder",
    "ErpChangeOrderFound",
    "ErpChangeOrderLine",
    "ErpError",
    "ErpJob",
    "ErpReader",
    "ErpSandbox",
    "ErpSubcontract",
    "ErpSubcontractLine",
    "ErpVendor",
    "ErpWriter",
    "Evidence",
    "Fault",
    "FaultKind",
    "Finding",
    "Handshake",
    "HeaderSeen",
    "HistoryEntry",
    "KeyBlock",
    "KeyRows",
    "KeyStream",
    "Misconfigured",
    "NoSuchRecord",
    "NotInErp",
    "OddChangeOrder",
    "OddRecord",
    "OtherRecord",
    "PartRefused",
    "PreparedChangeOrder",
    "PreparedField",
    "PreparedLine",
    "Proof",
    "Right",
    "SandboxCompany",
    "SandboxRecord",
    "SandboxScenario",
    "SandboxVendor",
    "ServerParts",
    "SubcontractChangeKeys",
    "Unavailable",
    "Unexpected",
    "Verdict",
    "WriteRefused",
    "error_for",
]
