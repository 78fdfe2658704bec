"""The addresses of one company."""

from django.urls import include, path

from erp_integrations.views import change_orders, connection, home, sandbox, team

erp_patterns = [
    path("", home.first_tab, name="erp-integrations"),
    path("commitment-change-orders/", change_orders.change_orders, name="change-orders"),
    path(
        "commitment-change-orders/<int:change_order_id>/",
        change_orders.history,
        name="change-order-history",
    ),
    path("commitment-change-orders/<int:change_order_id>/unlink/", change_orders.unlink, name="unlink"),
    path("connection/", connection.connection, name="connection"),
    path("connection/check/", connection.check, name="connection-check"),
    path("connection/accept/", connection.accept, name="connection-accept"),
]

sandbox_patterns = [
    path("", sandbox.sandbox, name="sandbox"),
    path("new/", sandbox.new, name="sandbox-new"),
    path("fault/", sandbox.fault, name="sandbox-fault"),
    path("restore-backup/", sandbox.restore_backup, name="sandbox-restore-backup"),
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
