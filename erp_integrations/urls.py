"""The addresses of one company."""

from django.urls import URLPattern, URLResolver, include, path

from erp_integrations.activity import views as activity_views
from erp_integrations.bulk_unlink import views as bulk_unlink_views
from erp_integrations.change_orders import csv_views
from erp_integrations.change_orders import views as change_orders_views
from erp_integrations.connections import views as connections_views
from erp_integrations.deletions import views as deletions_views
from erp_integrations.exports.views import project_team, review, worksheet
from erp_integrations.home import views as home_views
from erp_integrations.links.views import check_now, left_records, move_link, relink, unlink
from erp_integrations.record_links import views as record_links_views
from erp_integrations.record_links.queries import COMMITMENTS, JOBS, VENDORS
from erp_integrations.sandbox import views as sandbox_views

change_order_patterns = [
    path("", change_orders_views.history, name="change-order-history"),
    path("accept/", review.accept, name="accept"),
    path("reject/", review.reject, name="reject"),
    path("link/", review.link, name="link"),
    path("export/", worksheet.export, name="export"),
    path("worksheet/", worksheet.worksheet, name="worksheet"),
    path("worksheet.csv", worksheet.worksheet_csv, name="worksheet-csv"),
    path("give-back/", worksheet.give_back, name="give-back"),
    path("unlink/", unlink.unlink, name="unlink"),
    path("check/", check_now.check, name="check"),
    path("relink/", relink.relink, name="relink"),
    path("left-records/", left_records.left_records, name="left-records"),
    path("move/", move_link.move, name="move"),
    path("unwind-plan/", relink.plan, name="unwind-plan"),
]

erp_patterns: list[URLPattern | URLResolver] = [
    path("", home_views.first_tab, name="erp-integrations"),
    path("commitment-change-orders/", change_orders_views.change_orders, name="change-orders"),
    path("commitment-change-orders.csv", csv_views.change_orders_csv, name="change-orders-csv"),
    path("commitment-change-orders/live/", check_now.live_rows, name="live-rows"),
    path("commitment-change-orders/check/", check_now.check_shown, name="check-shown"),
    path("commitment-change-orders/unlink/", bulk_unlink_views.bulk_unlinks, name="bulk-unlinks"),
    path(
        "commitment-change-orders/unlink/<int:bulk_id>/", bulk_unlink_views.report, name="bulk-unlink-report"
    ),
    path(
        "commitment-change-orders/unlink/<int:bulk_id>.csv",
        bulk_unlink_views.report_csv,
        name="bulk-unlink-csv",
    ),
    path(
        "commitment-change-orders/unlink/<int:bulk_id>/cancel/",
        bulk_unlink_views.cancel,
        name="bulk-unlink-cancel",
    ),
    path("commitment-change-orders/<int:change_order_id>/", include(change_order_patterns)),
    path("commitments/", record_links_views.records, {"kind": COMMITMENTS}, name="erp-commitments"),
    path(
        "commitments/<int:subject_id>/link/",
        record_links_views.link,
        {"kind": COMMITMENTS},
        name="erp-commitments-link",
    ),
    path(
        "commitments/<int:subject_id>/take-back/",
        record_links_views.unlink,
        {"kind": COMMITMENTS},
        name="erp-commitments-unlink",
    ),
    path("jobs/", record_links_views.records, {"kind": JOBS}, name="erp-jobs"),
    path("jobs/<int:subject_id>/link/", record_links_views.link, {"kind": JOBS}, name="erp-jobs-link"),
    path("jobs/<int:subject_id>/unlink/", record_links_views.unlink, {"kind": JOBS}, name="erp-jobs-unlink"),
    path("vendors/", record_links_views.records, {"kind": VENDORS}, name="erp-vendors"),
    path(
        "vendors/<int:subject_id>/link/", record_links_views.link, {"kind": VENDORS}, name="erp-vendors-link"
    ),
    path(
        "vendors/<int:subject_id>/unlink/",
        record_links_views.unlink,
        {"kind": VENDORS},
        name="erp-vendors-unlink",
    ),
    path("activity/", activity_views.activity, name="activity"),
    path("activity.csv", activity_views.activity_file, {"form": "csv"}, name="activity-csv"),
    path("activity.jsonl", activity_views.activity_file, {"form": "jsonl"}, name="activity-jsonl"),
    path("activity/<slug:name>/", activity_views.event, name="activity-event"),
    path("connection/", connections_views.connection, name="connection"),
    path("connection/check/", connections_views.check, name="connection-check"),
    path(
        "connection/reconciliation/", connections_views.set_reconciliation, name="connection-reconciliation"
    ),
    path("connection/deletions/", deletions_views.state, name="deletion-state"),
    path("connection/deletions/<int:deletion_id>/confirm/", deletions_views.confirm, name="deletion-confirm"),
    path(
        "connection/deletions/<int:deletion_id>/withdraw/", deletions_views.withdraw, name="deletion-withdraw"
    ),
    path("connection/compare/", connections_views.compare, name="connection-compare"),
    path("connection/accept/", connections_views.accept, name="connection-accept"),
]

sandbox_patterns = [
    path("", sandbox_views.sandbox, name="sandbox"),
    path("new/", sandbox_views.new, name="sandbox-new"),
    path("fault/", sandbox_views.fault, name="sandbox-fault"),
    path("restore-backup/", sandbox_views.restore_backup, name="sandbox-restore-backup"),
    path("jobs/<str:job_record_number>/archive/", sandbox_views.archive, name="sandbox-archive"),
    path("<str:record_number>/", sandbox_views.record, name="sandbox-record"),
    path("<str:record_number>/act/", sandbox_views.act, name="sandbox-act"),
]

team_patterns = [
    path("send/", project_team.send, name="change-order-send"),
    path("retrieve/", project_team.retrieve, name="change-order-retrieve"),
]

urlpatterns = [
    path("", home_views.company_home, name="company-home"),
    path("erp-integrations/", include(erp_patterns)),
    path("sage-sandbox/", include(sandbox_patterns)),
    path(
        "projects/<slug:number>/commitments/change-orders/<int:change_order_id>/erp/", include(team_patterns)
    ),
]
