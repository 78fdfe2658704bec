from django.urls import path

from commitments import views

urlpatterns = [
    path("", views.change_orders, name="commitments"),
    path("change-orders/<int:change_order_id>/", views.change_order, name="commitment-change-order"),
    path(
        "change-orders/<int:change_order_id>/set-to-draft/",
        views.set_to_draft,
        name="commitment-change-order-set-to-draft",
    ),
    path("change-orders/<int:change_order_id>/delete/", views.delete, name="commitment-change-order-delete"),
]
