"""The addresses of one company."""

from django.urls import URLPattern, URLResolver, include, path

from erp_integrations.queries.tied import COMMITMENTS, JOBS, VENDORS
from erp_integrations.views import (
    accepting,
    activity,
    bulk_unlinking,
    change_orders,
    checking,
    connection,
    deletions,
    exporting,
    home,
    left_records,
    list_csv,
    move_link,
    records,
    sandbox,
    team,
    undoing,
)

change_order_patterns = [
    path("", change_orders.history, name="change-order-history"),
    path("accept/", accepting.accept, name="accept"),
    path("reject/", accepting.reject, name="reject"),
    path("link/", accepting.link, name="link"),
    path("export/", exporting.export, name="export"),
    path("worksheet/", exporting.worksheet, name="worksheet"),
    path("worksheet.csv", exporting.worksheet_csv, name="worksheet-csv"),
    path("give-back/", exporting.give_back, name="give-back"),
    path("unlink/", change_orders.unlink, name="unlink"),
    path("check/", checking.check, name="check"),
    path("relink/", undoing.relink, name="relink"),
    path("left-records/", left_records.left_records, name="left-records"),
    path("move/", move_link.move, name="move"),
    path("unwind-plan/", undoing.plan, name="unwind-plan"),
]

erp_patterns: list[URLPattern | URLResolver] = [
    path("", home.first_tab, name="erp-integrations"),
    path("commitment-change-orders/", change_orders.change_orders, name="change-orders"),
    path("commitment-change-orders.csv", list_csv.change_orders_csv, name="change-orders-csv"),
    path("commitment-change-orders/live/", checking.live_rows, name="live-rows"),
    path("commitment-change-orders/check/", checking.check_shown, name="check-shown"),
    path("commitment-change-orders/unlink/", bulk_unlinking.bulk_unlinks, name="bulk-unlinks"),
    path("commitment-change-orders/unlink/<int:bulk_id>/", bulk_unlinking.report, name="bulk-unlink-report"),
    path(
        "commitment-change-orders/unlink/<int:bulk_id>.csv", bulk_unlinking.report_csv, name="bulk-unlink-csv"
    ),
    path(
        "commitment-change-orders/unlink/<int:bulk_id>/cancel/",
        bulk_unlinking.cancel,
        name="bulk-unlink-cancel",
    ),
    path("commitment-change-orders/<int:change_order_id>/", include(change_order_patterns)),
    path("commitments/", records.records, {"kind": COMMITMENTS}, name="erp-commitments"),
    path(
        "commitments/<int:subject_id>/link/",
        records.link,
        {"kind": COMMITMENTS},
        name="erp-commitments-link",
    ),
    path("jobs/", records.records, {"kind": JOBS}, name="erp-jobs"),
    path("jobs/<int:subject_id>/link/", records.link, {"kind": JOBS}, name="erp-jobs-link"),
    path("vendors/", records.records, {"kind": VENDORS}, name="erp-vendors"),
    path("vendors/<int:subject_id>/link/", records.link, {"kind": VENDORS}, name="erp-vendors-link"),
    path("activity/", activity.activity, name="activity"),
    path("activity.csv", activity.activity_file, {"form": "csv"}, name="activity-csv"),
    path("activity.jsonl", activity.activity_file, {"form": "jsonl"}, name="activity-jsonl"),
    path("activity/<slug:name>/", activity.event, name="activity-event"),
    path("connection/", connection.connection, name="connection"),
    path("connection/check/", connection.check, name="connection-check"),
    path("connection/reconciliation/", connection.set_reconciliation, name="connection-reconciliation"),
    path("connection/deletions/", deletions.state, name="deletion-state"),
    path("connection/deletions/<int:deletion_id>/confirm/", deletions.confirm, name="deletion-confirm"),
    path("connection/deletions/<int:deletion_id>/withdraw/", deletions.withdraw, name="deletion-withdraw"),
    path("connection/compare/", connection.compare, name="connection-compare"),
    path("connection/accept/", connection.accept, name="connection-accept"),
]

sandbox_patterns = [
    path("", sandbox.sandbox, name="sandbox"),
    path("new/", sandbox.new, name="sandbox-new"),
    path("fault/", sandbox.fault, name="sandbox-fault"),
    path("restore-backup/", sandbox.restore_backup, name="sandbox-restore-backup"),
    path("jobs/<str:job_record_number>/archive/", sandbox.archive, name="sandbox-archive"),
    path("<str:record_number>/", sandbox.record, name="sandbox-record"),
    path("<str:record_number>/act/", sandbox.act, name="sandbox-act"),
]

team_patterns = [
    path("send/", team.send, name="change-order-send"),
    path("retrieve/", team.retrieve, name="change-order-retrieve"),
]

urlpatterns = [
    path("", home.company_home, name="company-home"),
    path("erp-integrations/", include(erp_patterns)),
    path("sage-sandbox/", include(sandbox_patterns)),
    path(
        "projects/<slug:number>/commitments/change-orders/<int:change_order_id>/erp/", include(team_patterns)
    ),
]
