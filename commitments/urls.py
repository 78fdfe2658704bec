"""The addresses of one project's commitments."""

from django.urls import path

from commitments.views import change_orders, commitments

urlpatterns = [
    path("", commitments.commitments, name="commitments"),
    path("new/<slug:kind>/", commitments.new, name="commitment-new"),
    path("<int:commitment_id>/", commitments.commitment, name="commitment"),
    path("<int:commitment_id>/edit/", commitments.edit, name="commitment-edit"),
    path("<int:commitment_id>/delete/", commitments.delete, name="commitment-delete"),
    path("<int:commitment_id>/change-orders/new/", change_orders.new, name="commitment-change-order-new"),
    path("change-orders/<int:change_order_id>/", change_orders.change_order, name="commitment-change-order"),
    path(
        "change-orders/<int:change_order_id>/edit/", change_orders.edit, name="commitment-change-order-edit"
    ),
    path(
        "change-orders/<int:change_order_id>/status/",
        change_orders.change_status,
        name="commitment-change-order-status",
    ),
    path(
        "change-orders/<int:change_order_id>/delete/",
        change_orders.delete,
        name="commitment-change-order-delete",
    ),
    *(
        path(
            f"change-orders/<int:change_order_id>/{act}/",
            change_orders.act,
            {"act": act},
            name=f"commitment-change-order-{act}",
        )
        for act in change_orders.ACTS
    ),
]
